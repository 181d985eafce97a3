"""Real processes on one port: what SDKs see of them, how they start and how they end."""

import signal
from pathlib import Path

import pytest
import trio

from fh.actors.errors import ChildStartFailed
from fh.dacha.settings import DachaSettings
from fh.edge.door import reserve
from fh.edge.edge import Edge
from fh.edge.pages import Pages
from fh.edge.settings import EdgeSettings
from fh.http.health import HealthChecks, health_routes
from fh.roles.worker_process import Surroundings
from fh.roles.workers import Workers, WorkersSettings
from tests.dacha.world import (
    PRODUCTION,
    STAGING,
    account,
    account_published,
    environment,
    feature,
)
from tests.edge.edge_under_test import MemoryLookup, MemoryUpdates
from tests.roles.workers_world import (
    CLIENT_KEY,
    ROLES,
    SERVER_KEY,
    START_SECONDS,
    WAIT_SECONDS,
    all_closed_since,
    ends_with_goodbye,
    eventually,
    is_alive,
    kill,
    known_source,
    new_dacha,
    of,
    parent_of_workers,
    polled,
    sockets_of,
    versions_heard,
)


async def test_every_worker_serves_polls_and_streams_and_hears_every_update() -> None:
    async with parent_of_workers(count=3) as parent:
        streams = await parent.streams_on_every_worker()
        assert set(parent.workers_of(streams)) == set(parent.pids())
        for version in range(2, 12):
            await parent.publish(feature(value_version=version, value=b"false"))
        for stream in streams:
            seen = 1
            while seen < 11:
                # Some may have left together; none is older than one before.
                name, version = await versions_heard(stream)
                assert name == "feature"
                assert version > seen
                seen = version
        for _ in range(12):
            assert await polled(parent) == (200, {"feature-1": False})


async def test_a_test_write_goes_through_a_worker() -> None:
    async with parent_of_workers() as parent:
        path = f"/features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret}/feature-1"
        request = f'PUT {path} HTTP/1.1\nHost: x\nContent-Length: 14\n\n{{"lock": true}}'
        for _ in range(6):
            # 202: the worker has handed on the same lately. It hands it on all the same.
            assert (await (await parent.request(request)).answer())[0] in {200, 202}
        assert [each.feature_key for each in parent.updates.submitted] == ["feature-1"] * 6
        parent.updates.away = True
        assert (await (await parent.request(request)).answer())[0] == 503


async def test_what_workers_do_not_serve_is_the_parents() -> None:
    async with parent_of_workers() as parent:
        for number in range(8):
            await parent.request(f"GET /mr-api/{number} HTTP/1.1\nHost: x\n\n")
            await eventually(lambda number=number: len(parent.elsewhere) == number + 1)
            taken, data = parent.elsewhere[number]
            assert data.startswith(f"GET /mr-api/{number} ".encode())
            taken.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            assert (await parent.clients[-1].answer())[2] == b"hi"
        secret = await parent.connect()
        await secret.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        await eventually(lambda: parent.other)
        assert parent.other[0][1] == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


async def test_a_parent_without_a_web_application_serves_its_pages_by_an_edge_of_its_own() -> None:
    health = HealthChecks(liveness={"workers": lambda: True})
    settings = EdgeSettings(grace_seconds=0)
    edge = Edge(MemoryLookup(), MemoryUpdates(), settings, Pages(health_routes(health)))
    async with trio.open_nursery() as nursery:
        await nursery.start(edge.run)
        async with parent_of_workers(take=edge.take) as parent:
            for _ in range(6):
                client = await parent.request("GET /health/liveness HTTP/1.1\nHost: x\n\n")
                assert (await client.answer())[2] == b'{"checks":{"workers":true}}'
                # The connection goes on, at the parent.
                await client.send(b"GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await client.answer())[0] == 200
        edge.drain()


async def test_an_environment_that_was_unknown_is_served_once_it_is_there() -> None:
    async with parent_of_workers() as parent:
        path = f"/features?apiKey={PRODUCTION}/{CLIENT_KEY.secret}"
        request = f"GET {path} HTTP/1.1\nHost: x\nConnection: close\n\n"
        for _ in range(8):
            assert (await (await parent.request(request)).answer())[0] == 404
        added = environment(feature(), id=PRODUCTION)
        parent.source.environments[PRODUCTION] = added
        permissions = ((STAGING, ROLES), (PRODUCTION, ROLES))
        known = account(version=2, permissions=permissions)
        parent.source.keep(known)
        await parent.bus.publish(added)
        await parent.bus.publish(account_published(known))
        with trio.fail_after(WAIT_SECONDS):
            for _ in range(8):
                while (await (await parent.request(request)).answer())[0] != 200:  # noqa: ASYNC110  nothing else tells
                    await trio.sleep(0.01)


async def test_drained_all_say_goodbye_and_nothing_is_left() -> None:
    await trio.to_thread.run_sync(int)  # trio's own sockets are there from now on
    before = sockets_of("self")
    async with parent_of_workers(count=3, edge={"grace_seconds": 1.0}) as parent:
        streams = await parent.streams_on_every_worker()
        pids = parent.pids()
        parent.workers.drain()
        async with trio.open_nursery() as nursery:
            for stream in streams:
                nursery.start_soon(ends_with_goodbye, stream)
        await eventually(lambda: not any(is_alive(pid) for pid in pids))
        assert not parent.workers.is_serving
    await all_closed_since(before)


async def test_drained_none_waits_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    # Longer than this test waits for anything: one that stands still is not killed meanwhile.
    monkeypatch.setattr("fh.roles.workers._END_SECONDS", 2 * WAIT_SECONDS)
    async with parent_of_workers(count=3) as parent:
        streams = await parent.streams_on_every_worker()
        first, middle, last = parent.pids()
        others = of(first, parent, streams) + of(last, parent, streams)
        kill(middle, signal.SIGSTOP)
        try:
            # One after the other, whichever is the first: some of these would wait for it.
            parent.workers.drain()
            for stream in others:
                await ends_with_goodbye(stream)
            await eventually(lambda: not is_alive(first) and not is_alive(last))
        finally:
            kill(middle, signal.SIGCONT)


async def test_a_cancelled_parent_leaves_nothing_behind() -> None:
    await trio.to_thread.run_sync(int)
    before = sockets_of("self")
    async with trio.open_nursery() as nursery:
        workers = lone_workers()
        await nursery.start(workers.run)
        pids = [each.pid for each in workers.each()]
        assert all(is_alive(pid) for pid in pids)
        nursery.cancel_scope.cancel()
    workers.close()
    assert not any(is_alive(pid) for pid in pids)
    await all_closed_since(before)


def lone_workers(host: str = "127.0.0.1", **settings) -> Workers:
    """Return workers whose parent knows nothing."""
    dacha = new_dacha(known_source())
    surroundings = Surroundings(
        dacha.truth, None, lambda taken, _: taken.close(), lambda taken, _: taken.close()
    )
    defaults = {
        "count": 2,
        "host": host,
        "edge": EdgeSettings(grace_seconds=0),
        "dacha": DachaSettings(),
        "log_level": "error",
        "log_format": "json",
    }
    return Workers(reserve("127.0.0.1", 0), WorkersSettings(**(defaults | settings)), surroundings)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"host": "192.0.2.1"}, "exit status 1"),
        ({"start_seconds": 0.01}, "not ready after 0.01 s"),
    ],
    ids=["address", "time"],
)
async def test_workers_that_can_t_start_are_told_and_leave_nothing(settings, reason) -> None:
    await trio.to_thread.run_sync(int)
    before = sockets_of("self")
    workers = lone_workers(**settings)
    with pytest.raises(ChildStartFailed) as failed, trio.fail_after(START_SECONDS):
        await workers.run()
    workers.close()
    assert reason in str(failed.value.__cause__)
    assert [each.pid for each in workers.each()] == [None, None]
    await all_closed_since(before)


async def test_what_a_worker_is_started_with_holds_no_secrets(monkeypatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    async with parent_of_workers() as parent:
        for pid in parent.pids():
            for name in ("environ", "cmdline"):
                assert b"hunter2" not in Path(f"/proc/{pid}/{name}").read_bytes()  # noqa: ASYNC240  never blocks
