"""Faults that were there once."""

import json

import pytest
import trio
import trio.testing
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    MemoryLookup,
    announcement,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from msgspec import Raw, structs

from fh.bus.port import Reconnected
from fh.contracts.published import CacheEnvironmentFeature, PublishAction
from fh.model.roles import Role
from fh.model.sdk_key import SdkKey
from tests.dacha import world

POLL = f"/features?apiKey={ENVIRONMENT}/{SERVER_KEY.secret}"
FRED = "x-featurehub: userkey=5\r\n"


def poisoned(rule_value: bytes) -> CacheEnvironmentFeature:
    """A feature with a rule whose value is JSON, and nothing that a matcher can use."""
    feature = targeted_at("userkey", "fred", b'"for fred"')
    assert feature.value is not None
    [strategy] = feature.value.rollout_strategies
    [rule] = strategy.attributes
    rule = structs.replace(rule, type="NUMBER", values=(Raw(rule_value),))
    strategy = structs.replace(strategy, attributes=(rule,))
    return structs.replace(
        feature, value=structs.replace(feature.value, rollout_strategies=(strategy,))
    )


UNUSABLE = [
    pytest.param(b"1e-99999999999999999999", id="an-exponent-beyond-reason"),
    pytest.param(b"1" * 5000, id="thousands-of-digits"),
    pytest.param(b'"\\ud800"', id="half-a-character"),
    pytest.param(b'"\xff"', id="not-utf-8"),
]


@pytest.mark.parametrize("rule_value", UNUSABLE)
async def test_a_rule_that_can_not_be_read_ends_no_poll(rule_value: bytes) -> None:
    # It ended Edge: every stream and every connection. The first value passes MR's checks.
    lookup = MemoryLookup({SERVER_KEY: granted([poisoned(rule_value), boolean("dark", True)])})
    async with edge_under_test(lookup) as edge:
        status, _, body = await edge.poll(SERVER_KEY, headers=FRED)
        assert status == 200
        [environment] = json.loads(body)
        found = {feature["key"]: feature.get("value") for feature in environment["features"]}
        assert found == {"dark": True, "rolled": "default"}


@pytest.mark.parametrize("rule_value", UNUSABLE)
async def test_a_rule_that_can_not_be_read_ends_no_stream(rule_value: bytes) -> None:
    lookup = MemoryLookup(
        {key: granted([boolean("dark", True)]) for key in (SERVER_KEY, CLIENT_KEY)}
    )
    async with edge_under_test(lookup) as edge:
        stream = await edge.open_stream(headers=FRED)
        await stream.event()
        await stream.event()
        await edge.announce(poisoned(rule_value))
        name, _, data = await stream.event()
        assert (name, json.loads(data)["value"]) == ("feature", "default")


async def test_a_stream_whose_first_features_can_not_be_made_is_told_to_come_back() -> None:
    # The subscription crashed with the waiting streams in no list: nobody ended them.
    lookup = MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})
    async with edge_under_test(lookup) as edge:

        def crash(*_: object) -> bytes:
            raise RuntimeError("a bug")

        assert edge.edge.life is not None
        edge.edge.life.handlers._views.features_lately = crash
        stream = await edge.open_stream()
        assert (await stream.event())[0] == "ack"
        with trio.fail_after(2):
            assert (await stream.event())[0] == "bye"


async def test_the_body_of_a_preflight_is_no_request() -> None:
    # A request inside a body was answered as one: whoever stands in front sends the second answer
    # to somebody else.
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([])})) as edge:
        client = await edge.connect()
        inner = f"GET {POLL} HTTP/1.1\r\nHost: x\r\n\r\n"
        await client.send(
            f"OPTIONS /features HTTP/1.1\r\nHost: x\r\nOrigin: http://a\r\n"
            f"Content-Length: {len(inner)}\r\n\r\n{inner}".encode()
        )
        await client.answer()
        await client.send(b"GET /features HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        rest = await client.until_closed()
        assert rest.count(b"HTTP/1.1 200") == 0


async def test_an_answer_to_head_has_no_body() -> None:
    async with edge_under_test(MemoryLookup()) as edge:
        client = await edge.connect()
        await client.send(b"HEAD /features HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = (await client.until_closed()).partition(b"\r\n\r\n")
        assert body == b""
        assert head


async def test_a_method_that_is_not_allowed_is_told_which_are() -> None:
    # RFC 9110, section 15.5.6: a 405 must have `allow`.
    async with edge_under_test(MemoryLookup()) as edge:
        client = await edge.connect()
        await client.send(b"DELETE /features HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = await client.answer()
        assert (status, "allow" in headers) == (405, True)


async def test_a_client_that_closes_does_not_end_the_portable_engine() -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})
    async with edge_under_test(lookup, portable_engine=True) as edge:
        for _ in range(3):
            assert (await edge.poll(SERVER_KEY))[0] == 200
            with trio.fail_after(5):
                while edge.edge.statistics().connections:
                    await trio.testing.wait_all_tasks_blocked()


async def test_a_feature_that_is_restored_is_back_for_new_streams_and_old_ones() -> None:
    # Dacha takes a newer version of a deleted feature for a restored one. Here it stayed deleted as
    # long as the environment had a stream, even when Dacha's answer had it.
    lookup = MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})
    async with edge_under_test(lookup) as edge:
        old = await edge.open_stream()
        await old.event()
        await old.event()
        await edge.edge.on_delivery(announcement(boolean("dark"), PublishAction.DELETE))
        assert (await old.event())[0] == "delete_feature"
        restored = boolean("dark", True, version=2)
        restored = structs.replace(restored, feature=structs.replace(restored.feature, version=9))
        lookup.answers[SERVER_KEY] = granted([restored])
        await edge.announce(restored)
        new = await edge.open_stream()
        await new.event()
        assert [feature["key"] for feature in json.loads((await new.event())[2])] == ["dark"]
        with trio.fail_after(2):
            assert (await old.event())[0] == "feature"


async def test_a_deletion_missed_by_the_bus_is_seen_after_it_came_back() -> None:
    # What an answer did not list any more was kept, and even put into the first features of new
    # streams, as long as the environment had a stream.
    lookup = MemoryLookup({SERVER_KEY: granted([boolean("dark", True), boolean("gone", True)])})
    async with edge_under_test(lookup) as edge:
        old = await edge.open_stream()
        await old.event()
        await old.event()
        lookup.answers[SERVER_KEY] = granted([boolean("dark", True)])
        await edge.edge.on_delivery(Reconnected())
        new = await edge.open_stream()
        await new.event()
        assert [feature["key"] for feature in json.loads((await new.event())[2])] == ["dark"]
        with trio.fail_after(2):
            assert (await old.event())[0] == "delete_feature"


async def test_a_permission_that_was_just_given_is_never_answered_with_a_final_no() -> None:
    # 404 and `failure`, although an admin had been told that the permission is there.
    source = world.FakeSource(
        world.environment(), world.environment(id=world.PRODUCTION), accounts=[world.account()]
    )
    elsewhere = SdkKey(world.PRODUCTION, world.SERVER)
    async with world.open_dacha(source) as dacha, edge_under_test(dacha.lookup) as edge:
        assert (await edge.poll(world.KEY))[0] == 200
        everywhere = [(each, (Role.READ,)) for each in (world.STAGING, world.PRODUCTION)]
        source.keep(world.account(permissions=everywhere))
        stream = await edge.open_stream(elsewhere)
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]
        source.keep(world.account(permissions=everywhere[:1]))
        await dacha.on_delivery(world.account_published(world.account()))
        assert (await edge.poll(elsewhere))[0] == 404
        source.keep(world.account(permissions=everywhere))
        await dacha.on_delivery(world.account_published(world.account(permissions=everywhere)))
        assert (await edge.poll(elsewhere))[0] == 200
