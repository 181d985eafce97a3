import json
from urllib.parse import quote
from uuid import UUID

import pytest
import trio
from msgspec import Raw
from prometheus_client import CollectorRegistry

from fh.contracts.event_log import Events, NoEventLog, numbered
from fh.contracts.published import (
    CacheEnvironment,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    PublishEnvironment,
    PublishServiceAccount,
)
from fh.errors import Unavailable
from fh.http.cors import Cors
from fh.http.metrics import HttpMetrics
from fh.http.quart_app import Face, create_app
from fh.http.truth_api import ABSENT, truth_routes
from fh.model.feature_type import FeatureType
from fh.model.roles import Role
from fh.model.sdk_key import SdkKey

ID = UUID("6c376de1-3cb8-4297-b641-8f27e0d11612")
OTHER = UUID(int=9)
SECRET = "c" * 30 + "*" + "d" * 20

ENVIRONMENT = PublishEnvironment(
    environment=CacheEnvironment(ID, 3, {"cacheControl": "no-store"}),
    organisation_id=UUID(int=1),
    portfolio_id=UUID(int=2),
    application_id=UUID(int=3),
    action=PublishAction.CREATE,
    features=(
        CacheEnvironmentFeature(
            CacheFeature(UUID(int=4), "rate", FeatureType.NUMBER, 7),
            CacheFeatureValue(UUID(int=5), "rate", False, 2, Raw(b"12345678901234567890.5")),
        ),
    ),
)
ACCOUNT = CacheServiceAccount(
    UUID(int=6), 4, SECRET, "s" * 40, (CacheServiceAccountPermission(ID, (Role.READ,)),)
)


class Truth:
    """Knows one environment and one account; `away` is a truth out of reach."""

    def __init__(self) -> None:
        self.away = False

    async def load_environment(self, environment_id):
        if self.away:
            raise Unavailable
        return ENVIRONMENT if environment_id == ID else None

    async def events_after(self, sequence):
        if self.away:
            raise Unavailable
        event = PublishServiceAccount(PublishAction.UPDATE, ACCOUNT, 1)
        return Events(up_to=8, newest=9, events=(numbered(sequence + 1, event),))

    async def load_account(self, secret):
        if self.away:
            raise Unavailable
        return ACCOUNT if secret == SECRET else None


async def nobody(_: str | None) -> None:
    raise AssertionError("these routes know their callers by a key of their own")


def truth_app(truth, keys=(), **options):
    routes = truth_routes(truth, truth, keys, **options)
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
    return response.status_code, await response.get_data()


async def test_what_is_known_is_told_with_its_wire_names():
    app = truth_app(Truth())
    status, body = await get(app, f"/dacha2/environment/{ID}")
    assert (status, json.loads(body)["env"]["oId"]) == (200, str(UUID(int=1)))
    assert b"12345678901234567890.5" in body
    status, body = await get(app, f"/dacha2/serviceAccount/{SECRET.replace('*', '%2A')}")
    assert (status, json.loads(body)["serviceAccount"]["version"]) == (200, 4)


async def test_a_cache_looks_again_before_it_says_that_there_is_no_permission():
    class Cache(Truth):
        looked = ()

        async def look_again(self, key):
            if self.away:
                raise Unavailable
            self.looked += (key,)

    cache, path = Cache(), f"/dacha2/serviceAccount/{quote(SECRET)}"
    assert (await get(truth_app(cache), path))[0] == 200
    assert cache.looked == ()
    assert (await get(truth_app(cache), f"{path}?environmentId={ID}"))[0] == 200
    assert cache.looked == (SdkKey(ID, SECRET),)
    # MR is no cache.
    assert (await get(truth_app(Truth()), f"{path}?environmentId={ID}"))[0] == 200


@pytest.mark.parametrize(
    "path", [f"/dacha2/environment/{OTHER}", "/dacha2/serviceAccount/x", "/dacha2/environment/x"]
)
async def test_what_is_not_known_is_not_found(path):
    assert (await get(truth_app(Truth()), path))[0] == 404


@pytest.mark.parametrize(
    ("path", "status", "mark"),
    [
        (f"/dacha2/environment/{OTHER}", 404, ABSENT[1]),
        ("/dacha2/serviceAccount/x", 404, ABSENT[1]),
        (f"/dacha2/environment/{ID}", 200, None),
        ("/dacha2/nothing", 404, None),
    ],
)
async def test_only_a_404_that_says_no_is_marked(path, status, mark):
    response = await truth_app(Truth()).test_client().get(path)
    assert (response.status_code, response.headers.get(ABSENT[0])) == (status, mark)


async def test_where_keys_are_configured_a_caller_has_to_show_one():
    app = truth_app(Truth(), ["first", "second"])
    for path in (
        f"/dacha2/environment/{ID}",
        f"/dacha2/serviceAccount/{SECRET}",
        "/dacha2/events?after=1",
    ):
        assert (await get(app, path, key="second"))[0] == 200
        for refused in ({}, {"key": ""}, {"key": "third"}, {"key": "firs"}, {"key": "é"}):
            assert (await get(app, path, **refused))[0] == 403


async def test_out_of_reach_is_no_no():
    truth = Truth()
    truth.away = True
    assert (await get(truth_app(truth), f"/dacha2/environment/{ID}"))[0] == 503


async def test_events_are_told_from_a_number_on():
    status, body = await get(truth_app(Truth()), "/dacha2/events?after=7")
    told = json.loads(body)
    assert (status, told["upTo"], told["newest"]) == (200, 8, 9)
    assert told["events"][0]["sequence"] == 8
    assert told["events"][0]["kind"] == "service-account"
    assert told["events"][0]["body"]["serviceAccount"]["version"] == 4
    assert (await get(truth_app(Truth()), "/dacha2/events"))[0] in {400, 404}


@pytest.mark.parametrize("number", [2**63, 10**22, -2, -(10**22)])
async def test_numbers_that_no_event_can_have_are_refused(number):
    for path in (
        f"/dacha2/events?after={number}",
        f"/dacha2/environment/{ID}?atLeast={number}",
        f"/dacha2/serviceAccount/{SECRET}?atLeast={number}",
    ):
        assert (await get(truth_app(Truth()), path))[0] == 400


async def test_that_there_is_no_log_is_told_as_upstream_would():
    truth = Truth()

    async def no_events(_):
        raise NoEventLog("none")

    truth.events_after = no_events
    assert (await get(truth_app(truth), "/dacha2/events?after=7"))[0] == 404


async def test_an_answer_is_held_until_it_is_new_enough(autojump_clock):
    heard = trio.Event()

    async def reach(sequence):
        if sequence > 5:
            await heard.wait()

    app = truth_app(Truth(), reach=reach)
    path = f"/dacha2/environment/{ID}?atLeast="
    assert (await get(app, f"{path}5"))[0] == 200
    assert (await get(app, f"{path}6"))[0] == 503
    heard.set()
    assert (await get(app, f"{path}6"))[0] == 200
