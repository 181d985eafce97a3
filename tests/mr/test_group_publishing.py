"""Groups that are not published: everything that SDKs could get is without them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from fh.mr.group_publishing import publishing
from fh.mr.http.app import create_mr_app
from fh.mr.sdk_updates import DatabaseUpdates
from fh.mr.snapshots import DatabaseTruth
from tests.mr.conftest import QUICK_PASSWORDS, Api


@pytest.fixture
def quiet(database, superuser) -> Api:
    """The superuser's client of an MR that does not publish groups."""
    settings = replace(QUICK_PASSWORDS, publishes_groups=False)
    app = create_mr_app(database, settings, registry=CollectorRegistry(), name="mr")
    return Api(app, superuser.token)


@pytest.fixture
async def groups_path(sdk) -> str:
    """A group with a text and its strategy, made by an MR that publishes groups."""
    path = f"/mr-api/application/{sdk.place.application}/feature-groups"
    await sdk.put("STRING", rolloutStrategies=[{"name": "own", "value": "own"}])
    [feature] = await sdk.sql("SELECT id FROM feature WHERE key = 'STRING'")
    members = [{"id": str(feature["id"]), "value": "grouped"}]
    place = {"name": "group", "environmentId": str(sdk.environment)}
    made = await sdk.api(
        "POST", path, {**place, "features": members, "strategies": [{"name": "s"}]}
    )
    assert made.status == 201, made
    [*_, event] = await sdk.announced()
    assert _values(event["feature"]) == ["own", "grouped"]
    return f"{path}/{made.body['id']}"


def _values(feature: dict[str, Any]) -> Sequence[object]:
    return [one["value"] for one in feature["value"]["rolloutStrategies"]]


async def _loaded(truth: DatabaseTruth, environment: Any) -> Sequence[object]:
    found = await truth.load_environment(environment)
    features = msgspec.json.decode(msgspec.json.encode(found.features))
    [text] = [one for one in features if one["feature"]["key"] == "STRING"]
    return _values(text)


async def test_what_is_announced_has_no_groups(sdk, groups_path, quiet):
    got = await quiet("GET", f"/mr-api/features/{sdk.environment}/feature/STRING")
    path = f"/mr-api/features/{sdk.environment}/feature/STRING"
    saved = await quiet("PUT", path, {**got.body, "valueString": "x"})
    assert saved.status == 200
    group = (await quiet("GET", groups_path)).body
    change = {"id": group["id"], "version": 1, "strategies": [{"name": "s", "percentage": 5}]}
    assert (await quiet("PUT", groups_path.rpartition("/")[0], change)).status == 200
    told = await sdk.announced()
    assert [_values(event["feature"]) for event in told] == [["own"], ["own"]]


async def test_whole_environments_have_no_groups(sdk, sql, groups_path, quiet):
    await quiet("POST", "/mr-api/dacha1/cache", {"allTheThings": True})
    [row] = await sql("SELECT body FROM outbox WHERE kind = 'environment'")
    features = msgspec.json.decode(row["body"])["fv"]
    [text] = [one for one in features if one["feature"]["key"] == "STRING"]
    assert _values(text) == ["own"]


async def test_what_caches_ask_for_has_no_groups_and_nobody_else_is_touched(
    database, sdk, groups_path
):
    told, untold = publishing(database, groups=True), publishing(database, groups=False)
    for _ in range(2):  # on whichever connection, one after the other
        assert await _loaded(DatabaseTruth(untold), sdk.environment) == ["own"]
        assert await _loaded(DatabaseTruth(told), sdk.environment) == ["own", "grouped"]


async def test_what_sdks_write_is_announced_without_groups(database, sdk, groups_path):
    updates = DatabaseUpdates(publishing(database, groups=False))
    await updates.submit(sdk.update("STRING", updating_value=True, value_string="written"))
    [event] = await sdk.announced()
    assert event["feature"]["value"]["value"] == "written"
    assert _values(event["feature"]) == ["own"]


async def test_people_see_groups_as_ever_and_are_told_that_sdks_do_not(sdk, groups_path, quiet):
    assert (await quiet("GET", groups_path)).body == (await sdk.api("GET", groups_path)).body
    path = f"/mr-api/application/{sdk.place.application}/all-feature-environment"
    assert (await quiet("GET", path)).body == (await sdk.api("GET", path)).body
    capabilities = (await quiet("GET", "/mr-api/initialize")).body["capabilityInfo"]
    assert capabilities["featureGroupsEnabled"] == "false"
