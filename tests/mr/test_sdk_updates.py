"""Test writes on a real database: what is written, and what is dropped."""

from uuid import uuid4

import pytest
from msgspec import Raw
from structlog.testing import capture_logs

from fh.mr.sdk_updates import UpdateStatistics

APPLIED = UpdateStatistics(applied=1, unchanged=0, dropped=0)
UNCHANGED = UpdateStatistics(applied=0, unchanged=1, dropped=0)
DROPPED = UpdateStatistics(applied=0, unchanged=0, dropped=1)


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ("STRING", {"value_string": "Hello"}, "Hello"),
        ("STRING", {"value_string": ""}, ""),
        ("NUMBER", {"value_number": Raw(b"-1.50")}, "-1.50"),
        ("JSON", {"value_string": '{"a": 1}'}, '{"a": 1}'),
        ("STRING", {}, None),
    ],
    ids=["string", "empty", "number", "json", "null"],
)
async def test_the_first_value_starts_unlocked(sdk, key, value, stored):
    assert await sdk.set(key, **value) == APPLIED
    assert await sdk.row(key) == (stored, False, 1)


async def test_a_switch_is_unlocked_and_set_in_one_go(sdk):
    assert await sdk.set("BOOLEAN", value_boolean=True, lock=False) == APPLIED
    assert await sdk.row("BOOLEAN") == ("true", False, 2)
    [event] = await sdk.announced()
    assert event["feature"]["value"]["value"] is True
    assert event["feature"]["value"]["locked"] is False


async def test_a_value_is_set_and_locked_in_one_go(sdk):
    await sdk.set("STRING", value_string="a")
    assert await sdk.set("STRING", value_string="b", lock=True) == APPLIED
    assert await sdk.row("STRING") == ("b", True, 2)


async def test_only_the_lock_changes(sdk):
    await sdk.set("STRING", value_string="a")
    assert await sdk.submit("STRING", lock=True, value_string="ignored") == APPLIED
    assert await sdk.row("STRING") == ("a", True, 2)
    assert await sdk.submit("STRING", lock=False) == APPLIED
    assert await sdk.row("STRING") == ("a", False, 3)


async def test_a_value_that_was_never_set_can_be_locked(sdk):
    assert await sdk.submit("STRING", lock=False) == UNCHANGED
    assert await sdk.submit("STRING") == UNCHANGED
    assert await sdk.row("STRING") is None
    assert await sdk.submit("STRING", lock=True) == APPLIED
    assert await sdk.row("STRING") == (None, True, 1)


async def test_a_switch_without_any_value_is_set_like_others(sdk, sql):
    await sql("TRUNCATE feature_value_version")
    await sql("DELETE FROM feature_value")
    assert await sdk.set("BOOLEAN", value_boolean=True) == APPLIED
    assert await sdk.row("BOOLEAN") == ("true", False, 1)


async def test_what_somebody_locked_meanwhile_stays(sdk):
    await sdk.put("STRING", valueString="theirs", locked=True)
    await sdk.announced()
    assert await sdk.set("STRING", value_string="ours") == DROPPED
    assert await sdk.set("STRING", value_string="ours", lock=True) == DROPPED
    assert await sdk.row("STRING") == ("theirs", True, 1)
    assert await sdk.announced() == []


@pytest.mark.parametrize("key", ["STRING", "NUMBER", "JSON"])
async def test_null_clears(sdk, key):
    text, number = ("1", Raw()) if key != "NUMBER" else (None, Raw(b"1"))
    await sdk.set(key, value_string=text, value_number=number)
    await sdk.announced()
    assert await sdk.set(key) == APPLIED
    assert await sdk.row(key) == (None, False, 2)
    [event] = await sdk.announced()
    assert "value" not in event["feature"]["value"]


async def test_numbers_keep_every_digit(sdk):
    digits = b"12345678901234567890.10000000000000000555"
    await sdk.set("NUMBER", value_number=Raw(digits))
    assert await sdk.row("NUMBER") == (digits.decode(), False, 1)
    [body] = await sdk.bodies()
    assert b'"value":' + digits + b"," in body


async def test_numbers_are_compared_as_numbers(sdk):
    await sdk.set("NUMBER", value_number=Raw(b"15"))
    assert await sdk.set("NUMBER", value_number=Raw(b"15.0")) == UNCHANGED
    assert await sdk.set("NUMBER", value_number=Raw(b"15.00000000000000000001")) == APPLIED


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"value_string": "a", "updating_value": True}, id="value"),
        pytest.param({"value_string": "a", "updating_value": True, "lock": True}, id="both"),
        pytest.param({"updating_value": True}, id="null"),
        pytest.param({"lock": True}, id="lock"),
    ],
)
async def test_the_same_again_changes_nothing(sdk, first):
    assert await sdk.submit("STRING", **first) == APPLIED
    row = await sdk.row("STRING")
    assert len(await sdk.announced()) == 1
    assert await sdk.submit("STRING", **first) == UNCHANGED
    assert await sdk.row("STRING") == row
    assert await sdk.announced() == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("BOOLEAN", {"value_string": "true"}, id="text-for-a-switch"),
        pytest.param("BOOLEAN", {}, id="nothing-for-a-switch"),
        pytest.param("STRING", {"value_boolean": False}, id="boolean-for-a-text"),
        pytest.param("JSON", {"value_number": Raw(b"1")}, id="number-for-json"),
        pytest.param("NUMBER", {"value_string": "1"}, id="text-for-a-number"),
        pytest.param("NUMBER", {"value_number": Raw(b'"1"')}, id="quoted-number"),
        pytest.param("NUMBER", {"value_number": Raw(b"1e999")}, id="large-number"),
        pytest.param(
            "STRING", {"value_string": "a", "value_number": Raw(b"1")}, id="two-values-at-once"
        ),
        pytest.param("STRING", {"value_string": "a\0b"}, id="nul"),
    ],
)
async def test_a_value_that_does_not_fit_is_dropped(sdk, key, value):
    before = await sdk.row(key)
    assert await sdk.set(key, lock=False, **value) == DROPPED
    assert await sdk.row(key) == before
    assert await sdk.announced() == []


@pytest.mark.parametrize("secret", ["apiKeyServerSide", "apiKeyClientSide"])
async def test_either_secret_names_the_account(sdk, secret):
    assert await sdk.set("STRING", value_string="a", secret=sdk.account[secret]) == APPLIED


async def test_strategies_and_retirement_are_left_alone(sdk):
    split = {"name": "split", "percentage": 5, "value": "other", "attributes": []}
    put = await sdk.put("STRING", valueString="a", rolloutStrategies=[split], retired=True)
    await sdk.announced()
    assert await sdk.set("STRING", value_string="b", lock=True) == APPLIED
    [event] = await sdk.announced()
    value = event["feature"]["value"]
    assert value["retired"] is True
    assert [one["id"] for one in value["rolloutStrategies"]] == [put["rolloutStrategies"][0]["id"]]
    [history] = await sdk.sql("SELECT * FROM feature_value_version WHERE version = 2")
    assert history["retired"] is True
    assert history["rollout_strategies"][0]["value"] == "other"


async def test_the_author_is_the_accounts_person(sdk):
    await sdk.set("STRING", value_string="a")
    await sdk.set("STRING", value_string="b")
    created, changed = await sdk.announced()
    assert changed["action"] == "UPDATE"
    assert changed["environmentId"] == str(sdk.environment)
    assert changed["feature"]["feature"]["key"] == "STRING"
    assert changed["feature"]["value"]["version"] == 2
    author = changed["feature"]["value"]["pId"]
    assert created["feature"]["value"]["pId"] == author

    person = (await sdk.api("GET", f"/mr-api/person/{author}")).body
    assert person["personType"] == "sdkServiceAccount"
    assert person["email"] == f"{sdk.account['id']}@sdk.sa.featurehub.io"
    assert person["additional"] == [{"key": "serviceAccountId", "value": sdk.account["id"]}]
    shown = (await sdk.api("GET", f"/mr-api/features/{sdk.environment}")).body
    [value] = [one for one in shown["featureValues"] if one["key"] == "STRING"]
    assert value["whoUpdated"]["id"]["id"] == author
    history = await sdk.sql(
        "SELECT v.version, version_from, who_updated::text FROM feature_value_version v "
        "JOIN feature f ON f.id = v.feature_id WHERE f.key = 'STRING' ORDER BY v.version"
    )
    assert [tuple(row) for row in history] == [(1, None, author), (2, 1, author)]


async def test_people_go_on_from_what_an_sdk_wrote(sdk):
    put = await sdk.put("STRING", valueString="a")
    await sdk.set("STRING", value_string="b")
    merged = await sdk.put("STRING", id=put["id"], version=1, valueString="a", retired=True)
    assert (merged["valueString"], merged["retired"], merged["version"]) == ("b", True, 3)


_ARCHIVED = "UPDATE {} SET when_archived = now()"


@pytest.mark.parametrize(
    "statement",
    [
        *(
            pytest.param(_ARCHIVED.format(table), id=table)
            for table in ("portfolio", "application", "environment", "feature", "service_account")
        ),
        pytest.param("UPDATE service_account SET when_unpublished = now()", id="unpublished"),
        pytest.param("UPDATE service_account SET api_key_server_side = 'new'", id="new-secret"),
    ],
)
async def test_what_is_gone_is_not_written(sdk, sql, statement):
    await sql(statement)
    with capture_logs() as logs:
        assert await sdk.set("STRING", value_string="a") == DROPPED
    assert await sdk.row("STRING") is None
    assert await sdk.announced() == []
    [line] = logs
    assert line["event"] == "sdk_update_dropped"
    assert line["environment_id"] == str(sdk.environment)
    assert line["feature_key"] == "STRING"
    assert sdk.account["apiKeyServerSide"] not in repr(line)


async def test_what_people_delete_is_gone(sdk):
    path = f"/mr-api/application/{sdk.place.application}/features/STRING"
    await sdk.api("DELETE", path)
    assert await sdk.set("STRING", value_string="a") == DROPPED
    await sdk.api("DELETE", f"/mr-api/service-account/{sdk.account['id']}")
    assert await sdk.set("NUMBER", value_number=Raw(b"1")) == DROPPED


@pytest.mark.parametrize(
    "members",
    [
        {"secret": "x" * 40},
        {"secret": "x" * 10_000},
        {"secret": "\0"},
        {"secret": ""},
        {"environment_id": uuid4()},
        {"feature_key": "unknown"},
        {"feature_key": "\0"},
    ],
    ids=["secret", "long", "nul", "empty", "environment", "feature", "nul-in-key"],
)
async def test_what_nobody_knows_is_dropped(sdk, members):
    assert await sdk.set("STRING", **{"value_string": "a", **members}) == DROPPED


async def test_an_account_writes_in_its_own_portfolio_only(sdk, sql):
    other = await sdk.api("POST", "/mr-api/portfolio", {"name": "Other", "description": ""})
    await sql("UPDATE application SET portfolio_id = $1", other.body["id"])
    assert await sdk.set("STRING", value_string="a") == DROPPED


async def test_what_is_attached_and_groups_are_left_alone(sdk):
    application = f"/mr-api/application/{sdk.place.application}"
    made = await sdk.api("POST", f"{application}/strategy", {"name": "shared"})
    instances = [{"strategyId": made.body["id"], "value": "attached"}]
    await sdk.put("STRING", rolloutStrategyInstances=instances)
    [feature] = await sdk.sql("SELECT id FROM feature WHERE key = 'STRING'")
    group = {
        "name": "group",
        "environmentId": str(sdk.environment),
        "features": [{"id": str(feature["id"]), "value": "grouped"}],
        "strategies": [{"name": "group"}],
    }
    await sdk.api("POST", f"{application}/feature-groups", group)
    await sdk.bodies()
    assert await sdk.set("STRING", value_string="written") == APPLIED
    [event] = await sdk.announced()
    assert event["feature"]["value"]["value"] == "written"
    strategies = event["feature"]["value"]["rolloutStrategies"]
    assert [one["value"] for one in strategies] == ["attached", "grouped"]
