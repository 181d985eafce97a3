import json
import time
from uuid import UUID

import pytest
import trio
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    MemoryLookup,
    announcement,
    boolean,
    edge_under_test,
    granted,
)
from trio.testing import wait_all_tasks_blocked

from fh.contracts.answers import Denied, NotReady
from fh.contracts.published import (
    CacheEnvironment,
    CacheServiceAccount,
    PublishAction,
    PublishEnvironment,
    PublishServiceAccount,
)
from fh.model.ids import ApplicationId, OrganisationId, PortfolioId, ServiceAccountId
from fh.model.roles import Role

pytestmark = pytest.mark.parametrize("portable", [False, True], ids=["epoll", "portable"])

DISCOVER = ("ack", "", '{"status":"discover"}')
BYE = ("bye", "", '{"status":"closed"}')


def one_flag(value: bool = True, **view: object) -> MemoryLookup:
    return MemoryLookup(
        {key: granted([boolean("dark", value)], **view) for key in (SERVER_KEY, CLIENT_KEY)}
    )


async def test_a_stream_begins_with_ack_and_all_features(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        client = await edge.open_stream()
        assert await client.event() == DISCOVER
        name, event_id, data = await client.event()
    assert name == "features"
    assert event_id == edge.lookup.answers[SERVER_KEY].etag
    [feature] = json.loads(data)
    assert feature == {
        "id": feature["id"],
        "key": "dark",
        "l": False,
        "version": 1,
        "type": "BOOLEAN",
        "value": True,
    }


async def test_a_client_evaluated_key_gets_the_strategies_to_apply(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        client = await edge.open_stream(CLIENT_KEY)
        await client.event()
        _, _, data = await client.event()
    assert json.loads(data)[0]["strategies"] == []


async def test_changes_arrive_in_order_and_older_versions_never(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        client = await edge.open_stream()
        await client.event()
        await client.event()
        for version in (2, 3, 2, 1, 4, 4):
            await edge.announce(boolean("dark", version % 2 == 0, version=version))
        versions = [json.loads((await client.event())[2])["version"] for _ in range(3)]
    assert versions == [2, 3, 4]


async def test_a_deleted_feature_has_version_0_and_stays_deleted(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        client = await edge.open_stream()
        await client.event()
        await client.event()
        await edge.edge.on_delivery(announcement(boolean("dark"), PublishAction.DELETE))
        await edge.announce(boolean("dark", True, version=9))
        await edge.announce(boolean("other", True))
        name, _, data = await client.event()
        assert (name, json.loads(data)["version"]) == ("delete_feature", 0)
        name, _, data = await client.event()
        assert (name, json.loads(data)["key"]) == ("feature", "other")


async def test_a_retired_feature_is_deleted_with_its_version(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        client = await edge.open_stream()
        await client.event()
        await client.event()
        await edge.announce(boolean("dark", True, version=2, retired=True))
        name, _, data = await client.event()
    assert (name, json.loads(data)["version"]) == ("delete_feature", 2)


async def test_an_unknown_key_fails_inside_the_stream(portable: bool) -> None:
    async with edge_under_test(MemoryLookup(), portable_engine=portable) as edge:
        client = await edge.open_stream()
        assert await client.event() == DISCOVER
        name, _, data = await client.event()
        assert (name, list(json.loads(data))) == ("failure", ["status"])
        assert (await client.event())[0] == "end"
        await client.until_closed()


async def test_a_key_that_can_not_be_known_yet_waits_and_is_served_when_it_can(
    portable: bool,
) -> None:
    lookup = MemoryLookup({SERVER_KEY: NotReady("loading")})
    async with edge_under_test(lookup, portable_engine=portable, retry_first_seconds=0.01) as edge:
        client = await edge.open_stream()
        assert await client.event() == DISCOVER
        with trio.fail_after(5):
            while lookup.asked < 3:
                await trio.lowlevel.checkpoint()
        lookup.answers[SERVER_KEY] = granted([boolean("dark", True)])
        assert (await client.event())[0] == "features"


async def test_a_change_during_the_first_load_is_in_the_first_features(portable: bool) -> None:
    lookup = one_flag()
    lookup.cold, lookup.gate = True, trio.Event()
    async with edge_under_test(lookup, portable_engine=portable) as edge:
        client = await edge.open_stream()
        await client.event()
        with trio.fail_after(5):
            while not lookup.asked:
                await trio.lowlevel.checkpoint()
        await edge.announce(boolean("dark", False, version=2))
        lookup.gate.set()
        name, event_id, data = await client.event()
        assert name == "features"
        assert json.loads(data)[0]["version"] == 2
        assert event_id != edge.lookup.answers[SERVER_KEY].etag


async def test_an_answer_that_is_ahead_of_the_bus_reaches_the_streams_that_are_open(
    portable: bool,
) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        first = await edge.open_stream()
        await first.event()
        await first.event()
        edge.lookup.answers[SERVER_KEY] = granted([boolean("dark", False, version=2)])
        second = await edge.open_stream()
        await second.event()
        assert json.loads((await second.event())[2])[0]["version"] == 2
        assert json.loads((await first.event())[2])["version"] == 2
        await edge.announce(boolean("dark", False, version=2))
        await edge.announce(boolean("dark", True, version=3))
        assert json.loads((await first.event())[2])["version"] == 3
        assert json.loads((await second.event())[2])["version"] == 3


async def test_a_revoked_key_ends_its_streams_and_no_other(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        revoked, kept = await edge.open_stream(), await edge.open_stream(CLIENT_KEY)
        for client in (revoked, kept):
            await client.event()
            await client.event()
        edge.lookup.answers[SERVER_KEY] = Denied()
        account = CacheServiceAccount(ServiceAccountId(UUID(int=4)), 2, "c", "s")
        await edge.edge.on_delivery(PublishServiceAccount(PublishAction.UPDATE, account))
        assert await revoked.event() == BYE
        await edge.announce(boolean("dark", False, version=2))
        assert (await kept.event())[0] == "feature"


async def test_a_deleted_environment_ends_its_streams(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        client = await edge.open_stream()
        await client.event()
        await client.event()
        edge.lookup.answers.clear()
        await edge.edge.on_delivery(
            PublishEnvironment(
                CacheEnvironment(ENVIRONMENT, 1),
                OrganisationId(UUID(int=1)),
                PortfolioId(UUID(int=1)),
                ApplicationId(UUID(int=1)),
                PublishAction.DELETE,
            )
        )
        assert await client.event() == BYE
        await client.until_closed()


async def test_extended_data_is_for_keys_that_may_have_it(portable: bool) -> None:
    lookup = MemoryLookup(
        {
            SERVER_KEY: granted([boolean("dark", True, properties={"a": "b"})]),
            CLIENT_KEY: granted(
                [boolean("dark", True, properties={"a": "b"})],
                roles=[Role.READ, Role.EXTENDED_DATA],
            ),
        }
    )
    async with edge_under_test(lookup, portable_engine=portable) as edge:
        plain, extended = await edge.open_stream(), await edge.open_stream(CLIENT_KEY)
        await plain.event()
        await extended.event()
        assert "fp" not in json.loads((await plain.event())[2])[0]
        assert json.loads((await extended.event())[2])[0]["fp"] == {"a": "b"}
        await edge.announce(boolean("dark", True, version=2, properties={"a": "c"}))
        assert "fp" not in json.loads((await plain.event())[2])
        assert json.loads((await extended.event())[2])["fp"] == {"a": "c"}


async def test_filters_hold_for_updates_too(portable: bool) -> None:
    tag = UUID(int=77)
    lookup = MemoryLookup(
        {
            SERVER_KEY: granted([boolean("seen", True, filters=[tag])], filters=[tag]),
            CLIENT_KEY: granted([boolean("seen", True, filters=[tag]), boolean("hidden", True)]),
        }
    )
    async with edge_under_test(lookup, portable_engine=portable) as edge:
        filtered, full = await edge.open_stream(), await edge.open_stream(CLIENT_KEY)
        for client in (filtered, full):
            await client.event()
            await client.event()
        await edge.announce(boolean("hidden", False, version=2))
        await edge.announce(boolean("seen", False, version=2, filters=[tag]))
        assert json.loads((await filtered.event())[2])["key"] == "seen"
        assert json.loads((await full.event())[2])["key"] == "hidden"


async def test_a_client_that_is_up_to_date_gets_no_second_copy(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        etag = edge.lookup.answers[SERVER_KEY].etag
        client = await edge.open_stream(headers=f"Last-Event-ID: {etag}\r\n")
        with trio.fail_after(5):
            while not (statistics := edge.edge.statistics()) or not statistics.streams:
                await trio.lowlevel.checkpoint()
        await edge.announce(boolean("dark", False, version=2))
        assert (await client.event())[0] == "feature"


async def test_heartbeats_are_json(portable: bool) -> None:
    # It has no end: one that is late would leave no time for a heartbeat before its goodbye.
    async with edge_under_test(one_flag(), portable_engine=portable, heartbeat_seconds=1) as edge:
        client = await edge.open_stream()
        names = [(await client.event())[0] for _ in range(2)]
        assert names == ["ack", "features"]
        assert await client.event() == ("ack", "", '"❤️"')


async def test_streams_end_with_bye(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable, drop_after_seconds=1) as edge:
        client = await edge.open_stream()
        names = [(await client.event())[0] for _ in range(2)]
        assert names == ["ack", "features"]
        assert await client.event() == BYE
        assert (await client.event())[0] == "end"
        await client.until_closed()


async def test_drain_says_goodbye_to_every_stream(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        clients = [await edge.open_stream() for _ in range(10)]
        for client in clients:
            await client.event()
            await client.event()
        edge.edge.drain()
        for client in clients:
            assert await client.event() == BYE


async def test_environments_beyond_the_most_make_room(portable: bool) -> None:
    from dataclasses import replace

    other = replace(SERVER_KEY, environment_id=UUID(int=5))
    lookup = one_flag()
    lookup.answers[other] = granted([boolean("other", True)])
    async with edge_under_test(lookup, portable_engine=portable, environments=1) as edge:
        first = await edge.open_stream()
        await first.event()
        await first.event()
        second = await edge.open_stream(other)
        await second.event()
        assert (await second.event())[0] == "features"
        assert await first.event() == BYE


async def test_beyond_the_most_streams_a_client_is_told_to_come_back_later(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable, most_streams=1) as edge:
        client = await edge.open_stream()
        await client.event()
        refused = await edge.connect()
        await refused.send(
            f"GET /features/{ENVIRONMENT}/{SERVER_KEY.secret} HTTP/1.1\r\nhost: x\r\n\r\n".encode()
        )
        status, headers, _ = await refused.answer()
        assert status == 503
        assert int(headers["retry-after"]) > 0
        client.stream.socket.close()
        with trio.fail_after(10):
            while edge.edge.statistics().streams:
                await trio.testing.wait_all_tasks_blocked(0.01)
        assert await (await edge.open_stream()).event() == DISCOVER


async def test_how_long_a_change_took_is_measured_once_for_all_its_streams(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        clients = [await edge.open_stream(key) for key in (SERVER_KEY, CLIENT_KEY, CLIENT_KEY)]
        for client in clients:
            assert [(await client.event())[0] for _ in range(2)] == ["ack", "features"]
        change, committed_at = announcement(boolean("dark", False, version=2)), time.time() - 3
        await edge.edge.on_delivery(change, committed_at)
        for client in clients:
            assert (await client.event())[0] == "feature"
        heard_after_seconds = time.time() - committed_at
        await edge.edge.on_delivery(change, committed_at)  # no news, and so no measure
        await wait_all_tasks_blocked()
        statistics = edge.edge.statistics()
    assert statistics is not None
    assert sum(statistics.propagation.counts) == 1
    assert 3 <= statistics.propagation.total_seconds <= heard_after_seconds
    assert (statistics.opened, statistics.streams, statistics.goodbyes) == (3, 3, 0)


async def test_a_stream_whose_account_turns_out_to_pause_is_told_to_come_back(
    portable: bool,
) -> None:
    lookup = one_flag()
    lookup.cold = True
    async with edge_under_test(lookup, portable_engine=portable) as edge:
        edge.edge.orders.pause(ServiceAccountId(UUID(int=4)), 60)
        edge.edge.obey()
        client = await edge.open_stream()
        assert await client.event() == DISCOVER
        assert await client.event() == BYE
        assert (await client.event())[0] == "end"


async def test_a_poll_that_was_answered_before_is_put_off_all_the_same(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        client = await edge.connect()
        path = f"/features?apiKey={SERVER_KEY.environment_id}/{SERVER_KEY.secret}"
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        found = []
        for _ in range(3):
            await client.send(request)
            found.append((await client.answer())[0])
        edge.edge.orders.pause(SERVER_KEY, 60)
        edge.edge.obey()
        await client.send(request)
        status, headers, _ = await client.answer()
        found.append(status)
        assert found == [200, 200, 200, 503]
        assert headers["retry-after"] == "60"


async def test_a_stream_that_was_opened_before_is_put_off_all_the_same(portable: bool) -> None:
    async with edge_under_test(one_flag(), portable_engine=portable) as edge:
        for _ in range(3):
            assert await (await edge.open_stream()).event() == DISCOVER
        edge.edge.orders.pause(SERVER_KEY, 60)
        edge.edge.obey()
        client = await edge.connect()
        path = f"/features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret}"
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\naccept: text/event-stream\r\n\r\n"
        await client.send(request.encode())
        status, headers, _ = await client.answer()
        assert (status, headers["retry-after"]) == (503, "60")
