from uuid import uuid4


async def test_an_account_never_loses_all_filters_by_mistake(shop):
    """Without any it would see all features, and so whoever meant a few is not understood."""
    path = f"/mr-api/portfolio/{shop.portfolio}/service-account"
    filters = f"/mr-api/portfolio/{shop.portfolio}/feature-filter"
    other = await shop.api("POST", "/mr-api/portfolio", {"name": "Other", "description": ""})
    elsewhere = f"/mr-api/portfolio/{other.body['id']}/feature-filter"
    foreign = (await shop.api("POST", elsewhere, {"name": "foreign"})).body["id"]
    gone = (await shop.api("POST", filters, {"name": "gone"})).body["id"]
    await shop.api("DELETE", f"{filters}/{gone}?version=1")
    mine = (await shop.api("POST", filters, {"name": "mine"})).body["id"]
    account = (await shop.api("POST", path, {"name": "sdk", "featureFilter": [mine]})).body
    by_id = f"/mr-api/service-account/{account['id']}"

    for useless in ([foreign], [gone], [str(uuid4())], [gone, foreign]):
        made = await shop.api("POST", path, {"name": "new", "featureFilter": useless})
        assert (made.status, made.body["field"]) == (400, "featureFilter")
        sent = {**account, "permsInvalid": True, "featureFilters": useless}
        for place in (path, by_id):
            changed = await shop.api("PUT", place, sent)
            assert (changed.status, changed.body["field"]) == (400, "featureFilters")
    assert [one["name"] for one in (await shop.api("GET", path)).body] == ["sdk"]
    kept = (await shop.api("GET", f"{by_id}?includeFilters=true")).body
    assert (kept["featureFilters"], kept["version"]) == ([mine], 1)

    some = {**account, "permsInvalid": True, "featureFilters": [gone, mine, foreign]}
    assert (await shop.api("PUT", path, some)).body["featureFilters"] == [mine]
    none = {**account, "permsInvalid": True, "featureFilters": []}
    assert (await shop.api("PUT", path, none)).body["featureFilters"] == []
