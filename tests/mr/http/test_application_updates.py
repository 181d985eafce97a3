from uuid import uuid4

import pytest


@pytest.fixture
def on_portfolio(shop) -> str:
    return f"/mr-api/portfolio/{shop.portfolio}/application"


@pytest.fixture
def on_application(shop) -> str:
    return f"/mr-api/application/{shop.application}"


def body(shop, **more):
    return {"id": shop.application, "name": "Store", "description": "New", "version": 1} | more


async def test_both_paths_update_and_nothing_is_announced(shop, on_portfolio, on_application):
    await shop.announced()
    first = await shop.api("PUT", on_portfolio, body(shop, features=[], unknown=1))
    assert first.status == 200
    assert (first.body["name"], first.body["description"]) == ("Store", "New")
    assert first.body["version"] == 2
    assert first.body["environments"] == []
    second = await shop.api(
        "PUT",
        f"{on_application}?includeEnvironments=true",
        {"id": shop.application, "name": " Shop ", "version": 2},
    )
    assert second.body["name"] == "Shop"
    assert second.body["description"] == "New"
    assert [e["name"] for e in second.body["environments"]] == ["production"]
    assert await shop.announced() == []


async def test_what_comes_back_as_it_was_read_changes_nothing(shop, on_portfolio, on_application):
    whole = (await shop.api("GET", on_application)).body
    for path in (on_portfolio, on_application):
        answer = await shop.api("PUT", path, whole)
        assert (answer.status, answer.body) == (200, whole)


@pytest.mark.parametrize("version", [{"version": 7}, {"version": None}])
async def test_a_stale_or_missing_version_is_unprocessable(shop, on_portfolio, version):
    assert (await shop.api("PUT", on_portfolio, body(shop, **version))).status == 422


async def test_a_name_that_is_taken_conflicts_whatever_its_case(shop, on_portfolio):
    await shop.api("POST", on_portfolio, {"name": "Other", "description": ""})
    answer = await shop.api("PUT", on_portfolio, body(shop, name="OTHER"))
    assert (answer.status, answer.body["field"]) == (409, "name")
    own = await shop.api("PUT", on_portfolio, body(shop, name="SHOP"))
    assert (own.status, own.body["name"]) == (200, "SHOP")


async def test_it_must_be_there_and_in_that_portfolio(shop, on_portfolio):
    assert (await shop.api("PUT", on_portfolio, body(shop, id=str(uuid4())))).status == 404
    other = await shop.api("POST", "/mr-api/portfolio", {"name": "Other", "description": ""})
    elsewhere = f"/mr-api/portfolio/{other.body['id']}/application"
    assert (await shop.api("PUT", elsewhere, body(shop))).status == 404


async def test_the_body_must_mean_the_application_in_the_path(shop, on_application):
    answer = await shop.api("PUT", on_application, body(shop, id=str(uuid4())))
    assert (answer.status, answer.body["field"]) == (400, "id")


async def test_only_admins_update(shop, member, on_portfolio, on_application):
    api, _group = member
    assert (await api("PUT", on_portfolio, body(shop))).status == 403
    assert (await api("PUT", on_application, body(shop))).status == 403


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"description": "x" * 401}, "description"),
        ({"id": "x"}, "id"),
        ({"version": "1"}, "version"),
    ],
)
async def test_bad_members_are_named(shop, on_portfolio, members, field):
    answer = await shop.api("PUT", on_portfolio, body(shop, **members))
    assert (answer.status, answer.body["field"]) == (400, field)
