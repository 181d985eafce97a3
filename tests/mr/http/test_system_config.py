import pytest

from fh.config import Secret

PATH = "/mr-api/system-api"
PLACEHOLDER = "ENCRYPTED-TEXT"


@pytest.fixture
def api(reconfigured):
    return reconfigured(secrets_password=Secret("horse"), secrets_can_be_read=True)


async def found(api, *prefixes):
    query = "&".join(f"filters={prefix}" for prefix in prefixes)
    answer = await api("GET", f"{PATH}?{query}")
    assert answer.status == 200, answer
    return {one.pop("key"): one for one in answer.body["configs"]}


async def save(api, **values):
    """Save each value at the version in its tuple, or -1; two underscores stand for a dot."""
    configs = []
    for name, sent in values.items():
        value, version = sent if isinstance(sent, tuple) else (sent, -1)
        configs.append({"key": name.replace("__", "."), "version": version, "value": value})
    return await api("POST", PATH, {"configs": configs})


async def test_without_prefixes_only_which_settings_there_are(api):
    listed = await found(api)
    assert listed["slack.bearerToken"] == {"encrypted": True, "version": -1}
    assert listed["site.url"] == {"encrypted": False, "version": -1}
    assert len(listed) == 10


async def test_defaults_are_shown_until_somebody_sets_a_value(api):
    listed = await found(api, "slack.", "site.")
    assert "site.enabledRobots" not in listed
    assert listed["site.url"]["value"] == "http://localhost:8085"
    assert listed["slack.enabled"] == {"encrypted": False, "version": -1, "value": False}
    assert "value" not in listed["slack.bearerToken"]
    assert listed["slack.delivery.headers"]["value"] == {"slack.encrypted": ""}
    assert listed["slack.delivery.prefixes"]["value"] == ["http://", "https://"]


async def test_settings_are_saved_and_found_again(api, sql):
    answer = await save(api, slack__enabled=True, slack__delivery__url="", site__enabledRobots=True)
    assert answer.status == 200
    assert answer.body["configs"] == [
        {"key": "slack.enabled", "encrypted": False, "version": 1, "value": True},
        {"key": "slack.delivery.url", "encrypted": False, "version": 1, "value": ""},
        {"key": "site.enabledRobots", "encrypted": False, "version": 1, "value": True},
    ]
    listed = await found(api, "slack.", "site.")
    assert listed["slack.enabled"]["value"] is True
    assert listed["slack.delivery.url"]["value"] == ""
    assert listed["site.enabledRobots"]["value"] is True
    [row] = await sql("SELECT who_updated FROM system_config WHERE key = 'slack.enabled'")
    assert row["who_updated"] is not None


async def test_stale_and_unknown_settings_are_passed_over(api):
    await save(api, site__url=("https://a", 77))
    answer = await save(api, site__url=("https://b", 7), what__ever="x", slack__enabled=True)
    assert [one["key"] for one in answer.body["configs"]] == ["slack.enabled"]
    assert (await found(api, "site."))["site.url"]["value"] == "https://a"
    answer = await save(api, site__url=("https://b", 1))
    assert answer.body["configs"][0]["version"] == 2


async def test_null_clears_and_can_be_set_again(api):
    await save(api, site__url="https://a")
    answer = await save(api, site__url=(None, 1))
    assert answer.body["configs"] == [{"key": "site.url", "encrypted": False, "version": 2}]
    assert (await found(api, "site."))["site.url"] == {"encrypted": False, "version": 2}
    assert (await save(api, site__url=("https://b", 2))).body["configs"][0]["version"] == 3


async def test_one_bad_value_and_nothing_is_written(api):
    answer = await save(api, site__url="https://a", slack__enabled="yes")
    assert (answer.status, answer.body["field"]) == (400, "configs[1].value")
    assert (await found(api, "site."))["site.url"]["version"] == -1
    answer = await save(api, slack__delivery__url="gopher://x")
    assert (answer.status, answer.body["field"]) == (400, "configs[0].value")


async def test_a_token_is_sealed_and_shown_to_those_who_decrypt_it(api, sql, reconfigured):
    answer = await save(api, slack__bearerToken="xoxb-1")
    assert answer.body["configs"] == [
        {"key": "slack.bearerToken", "encrypted": True, "version": 1, "value": PLACEHOLDER}
    ]
    [row] = await sql("SELECT value::text FROM system_config")
    assert "xoxb" not in row["value"]
    path = f"{PATH}/slack.bearerToken/decrypt"
    assert (await api("GET", path)).body == {"result": "xoxb-1"}
    unchanged = await save(api, slack__bearerToken=(PLACEHOLDER, 1))
    assert unchanged.body["configs"] == []
    assert (await api("GET", path)).body == {"result": "xoxb-1"}
    assert (await reconfigured(secrets_password=Secret("horse"))("GET", path)).status == 404
    other = reconfigured(secrets_password=Secret("wrong"), secrets_can_be_read=True)
    assert (await other("GET", path)).body == {}


async def test_an_empty_token_is_none(api):
    await save(api, slack__bearerToken="xoxb-1")
    cleared = await save(api, slack__bearerToken=("", 1))
    unset = {"encrypted": True, "version": 2}
    assert cleared.body["configs"] == [{"key": "slack.bearerToken", **unset}]
    assert (await found(api, "slack."))["slack.bearerToken"] == unset
    assert (await api("GET", f"{PATH}/slack.bearerToken/decrypt")).body == {}


async def test_a_map_with_secrets(api):
    headers = {"Authorization": "s3cret", "slack.delivery.headers.encrypt": "Authorization"}
    await save(api, slack__delivery__headers=headers)
    shown = (await found(api, "slack.delivery"))["slack.delivery.headers"]
    assert shown["value"] == headers | {"Authorization": PLACEHOLDER}
    path = f"{PATH}/slack.delivery.headers/decrypt"
    assert (await api("GET", f"{path}?mapKey=Authorization")).body == {"result": "s3cret"}
    assert (await api("GET", path)).body == {}
    await save(
        api, slack__delivery__headers=({"slack.delivery.headers.deleted": "Authorization"}, 1)
    )
    assert (await api("GET", f"{path}?mapKey=Authorization")).body == {}


async def test_what_has_no_secret_and_what_is_unknown(api):
    assert (await api("GET", f"{PATH}/site.url/decrypt")).body == {}
    assert (await api("GET", f"{PATH}/slack.bearerToken/decrypt")).body == {}
    assert (await api("GET", f"{PATH}/what.ever/decrypt")).status == 404


async def test_superusers_only(shop, member, reconfigured_for, sql, add_person):
    outsider, _group = member
    [row] = await sql(
        "SELECT id FROM person_group WHERE portfolio_id = $1 AND admin", shop.portfolio
    )
    admin = await add_person("admin@i.com", (str(row["id"]),))
    for each in (outsider, admin):
        api = reconfigured_for(each, secrets_password=Secret("x"), secrets_can_be_read=True)
        assert (await api("GET", PATH)).status == 403
        assert (await save(api, site__url="x")).status == 403
        assert (await api("GET", f"{PATH}/slack.bearerToken/decrypt")).status == 403


async def test_there_are_none_where_an_operator_says_so(reconfigured):
    api = reconfigured(system_config_enabled=False, secrets_can_be_read=True)
    assert (await api("GET", PATH)).status == 404
    assert (await save(api, site__url="x")).status == 404
    assert (await api("GET", f"{PATH}/site.url/decrypt")).status == 404


async def test_without_a_password_there_is_no_slack(superuser):
    assert set(await found(superuser, "s")) == {"site.url"}
    answer = await save(superuser, slack__bearerToken="xoxb")
    assert answer.body["configs"] == []


async def test_the_client_is_told_what_there_is(api, superuser):
    mine = (await api("GET", "/mr-api/initialize")).body["capabilityInfo"]
    assert (mine["webhook.encryption"], mine["webhook.decryption"]) == ("true", "true")
    assert mine["system.config"] == "true"
    others = (await superuser("GET", "/mr-api/initialize")).body["capabilityInfo"]
    assert (others["webhook.encryption"], others["webhook.decryption"]) == ("false", "false")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"configs": {}}, "configs"),
        ({"configs": [{"key": 1}]}, "configs[0].key"),
        ({"configs": [{"key": "site.url", "version": "1"}]}, "configs[0].version"),
    ],
)
async def test_bad_members_are_named(api, body, field):
    answer = await api("POST", PATH, body)
    assert answer.status == 400
    assert answer.body["field"].replace("[...]", "[0]") == field
