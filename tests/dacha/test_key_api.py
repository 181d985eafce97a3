import json
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from fh.dacha.key_api import key_routes, place_routes
from fh.http.cors import Cors
from fh.http.metrics import HttpMetrics
from fh.http.quart_app import Face, create_app
from tests.dacha.world import CLIENT, SERVER, STAGING, feature, known_world, open_dacha


async def nobody(_: str | None) -> None:
    raise AssertionError("these routes know their callers by a key of their own")


def app(dacha, keys=()):
    routes = [*key_routes(dacha.lookup, keys), *place_routes(dacha.truth, keys)]
    return create_app(
        Face(
            routes=routes,
            authenticate=nobody,
            refusals={},
            metrics=HttpMetrics(CollectorRegistry(), routes),
            cors=Cors(),
        )
    )


async def get(app, path: str, **headers: str):
    response = await app.test_client().get(path, headers=headers)
    body = await response.get_data()
    return response.status_code, json.loads(body) if response.status_code == 200 else body


DETAILS = f"/v2/environment/{STAGING}/{SERVER}"


async def test_what_a_key_may_see():
    async with open_dacha(known_world(feature(), feature(2, retired=True))) as dacha:
        status, told = await get(app(dacha), DETAILS)
        assert status == 200
        assert told.keys() == {"etag", "oId", "pId", "aId", "sId", "eInf", "ed", "features"}
        assert (told["ed"], told["eInf"], len(told["features"])) == (False, {}, 2)
        assert told["features"][0]["value"]["rolloutStrategies"] == []
        etag = told["etag"]
        status, told = await get(app(dacha), f"{DETAILS}?excludeRetired=true")
        # The digest covers what is retired, whether it is shown or not.
        assert (len(told["features"]), told["etag"]) == (1, etag)


async def test_a_key_that_is_raw_or_encoded():
    async with open_dacha(known_world(feature())) as dacha:
        for secret in (CLIENT, CLIENT.replace("*", "%2A")):
            assert (await get(app(dacha), f"/v2/environment/{STAGING}/{secret}"))[0] == 200


async def test_what_a_key_may_do_with_a_feature():
    async with open_dacha(known_world(feature())) as dacha:
        status, told = await get(app(dacha), f"{DETAILS}/permissions/feature-1")
        assert (status, told["roles"], told["feature"]["feature"]["version"]) == (200, ["READ"], 1)


async def test_where_an_environment_belongs():
    async with open_dacha(known_world(feature())) as dacha:
        status, told = await get(app(dacha), f"/v2/environment/{STAGING}/structure")
        assert (status, told["pId"]) == (200, str(UUID(int=11)))


@pytest.mark.parametrize(
    "path",
    [
        f"/v2/environment/{UUID(int=99)}/{SERVER}",
        f"/v2/environment/{STAGING}/unknown",
        f"{DETAILS}/permissions/unknown",
        f"/v2/environment/{UUID(int=99)}/structure",
        f"/v2/environment/nonsense/{SERVER}",
    ],
)
async def test_what_there_is_not_is_not_found(path):
    async with open_dacha(known_world(feature())) as dacha:
        assert (await get(app(dacha), path))[0] == 404


async def test_what_can_not_be_known_for_now_is_no_404():
    source = known_world(feature())
    source.is_down = True
    async with open_dacha(source) as dacha:
        for path in (DETAILS, f"{DETAILS}/permissions/x", f"/v2/environment/{STAGING}/structure"):
            assert (await get(app(dacha), path))[0] == 503


async def test_where_keys_are_configured_a_caller_has_to_show_one():
    async with open_dacha(known_world(feature())) as dacha:
        guarded = app(dacha, ["ours"])
        for path in (DETAILS, f"{DETAILS}/permissions/feature-1"):
            assert (await get(guarded, path))[0] == 403
            assert (await get(guarded, path, key="theirs"))[0] == 403
            assert (await get(guarded, path, key="ours"))[0] == 200
        assert (await get(guarded, f"/v2/environment/{STAGING}/structure"))[0] == 403
