"""What becomes of streams when a worker dies, stops or lags behind, and when the parent dies."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio
from structlog.testing import capture_logs

from fh.bus.port import Reconnected
from fh.contracts.published import PublishAction
from fh.edge.door import reserve
from fh.edge.link_parent import LinkLimits
from tests.dacha.world import (
    STAGING,
    account,
    account_published,
    change,
    environment,
    feature,
    features_published,
)
from tests.edge.edge_under_test import Client
from tests.roles.workers_world import (
    SERVER_KEY,
    WAIT_SECONDS,
    all_ready,
    ends_with_goodbye,
    events_until,
    eventually,
    is_alive,
    kill,
    known_source,
    of,
    parent_of_workers,
    polled,
    versions_heard,
)

ROOT = Path(__file__).resolve().parents[2]


async def is_cut_off(client: Client) -> bool:
    """Return whether the connection ended without a goodbye."""
    return b"event: bye" not in await client.until_closed(seconds=WAIT_SECONDS)


async def test_a_killed_worker_costs_its_own_streams_only_and_is_replaced() -> None:
    async with parent_of_workers() as parent:
        streams = await parent.streams_on_every_worker()
        victim = parent.pids()[0]
        while len(of(victim, parent, streams)) < 200:
            streams += await parent.open_streams(50)
        lost = of(victim, parent, streams)
        kept = of(parent.pids()[1], parent, streams)
        before = parent.workers.statistics()

        kill(victim)
        await eventually(lambda: not is_alive(victim))
        # Before anybody is back, something changes.
        await parent.publish(feature(value_version=2, value=b"false"))
        for stream in kept:
            assert await versions_heard(stream) == ("feature", 2)
        for stream in lost:
            assert await is_cut_off(stream)
        back = await parent.open_streams(len(lost))
        await parent.publish(feature(2, value=b"false"))
        for stream in (*kept, *back):
            assert await versions_heard(stream) == ("feature", 1)

        await all_ready(parent, without=victim)
        assert sum(each.starts for each in parent.workers.each()) == 3
        new = await parent.streams_on_every_worker()
        await parent.publish(feature(3))
        for stream in (*kept, *back, *new):
            assert await versions_heard(stream) == ("feature", 1)
        await parent.figures()
        assert parent.workers.statistics().accepted >= before.accepted + len(back)


async def test_all_workers_killed_at_once_come_back() -> None:
    async with parent_of_workers() as parent:
        for pid in parent.pids():
            kill(pid)
        await eventually(lambda: not parent.workers.is_serving)
        await eventually(lambda: all(each.is_ready for each in parent.workers.each()))
        assert await polled(parent) == (200, {"feature-1": True})


async def test_a_worker_that_ends_by_itself_says_goodbye_and_is_replaced() -> None:
    async with parent_of_workers() as parent:
        streams = await parent.streams_on_every_worker()
        [pid, other] = parent.pids()
        of_it, of_the_other = of(pid, parent, streams), of(other, parent, streams)
        kill(pid, signal.SIGTERM)
        for stream in of_it:
            await ends_with_goodbye(stream)
        await all_ready(parent, without=pid)
        await parent.publish(feature(value_version=2))
        for stream in of_the_other:
            assert await versions_heard(stream) == ("feature", 2)


async def test_a_stopped_worker_blocks_nobody_and_has_missed_nothing_in_the_end() -> None:
    source = known_source(feature(1), feature(2), feature(3))
    limits = LinkLimits(announcements=20, announced_bytes=10_000, silence_seconds=60.0)
    async with parent_of_workers(source, limits=limits) as parent:
        streams = await parent.streams_on_every_worker()
        [pid, other] = parent.pids()
        stopped, others = of(pid, parent, streams), of(other, parent, streams)
        kill(pid, signal.SIGSTOP)
        try:
            last = 2
            with trio.fail_after(WAIT_SECONDS):
                while not any(each.dropped for each in parent.workers.each()):
                    last += 1
                    await parent.publish(feature(1, value_version=last))
            # A feature goes, one comes, and another changes while nobody tells the worker.
            source.environments[STAGING] = environment(feature(1, value_version=last), feature(3))
            gone = change(feature(2), PublishAction.DELETE)
            await parent.bus.publish(features_published(gone))
            await parent.publish(feature(4))
            await parent.publish(feature(3, value_version=2))
            everything = ("feature-1", last), ("feature-2", 0), ("feature-3", 2), ("feature-4", 1)
            for stream in others:
                # Its worker may have been too slow, too; then the order is another.
                told = await events_until(stream, *everything)
                assert ("delete_feature", "feature-2") in told
        finally:
            kill(pid, signal.SIGCONT)
        for stream in stopped:
            told = await events_until(stream, *everything)
            assert ("delete_feature", "feature-2") in told
        assert set(parent.pids()) == {pid, other}
        await parent.publish(feature(1, value_version=last + 1))
        for stream in streams:
            assert await versions_heard(stream) == ("feature", last + 1)


async def test_a_revoked_key_is_refused_by_a_worker_that_missed_the_announcement() -> None:
    limits = LinkLimits(announcements=5, announced_bytes=5_000, silence_seconds=60.0)
    source = known_source()
    async with parent_of_workers(source, limits=limits) as parent:
        streams = await parent.streams_on_every_worker()
        pid = parent.pids()[0]
        stopped = of(pid, parent, streams)
        kill(pid, signal.SIGSTOP)
        try:
            version = 2
            while not any(each.dropped for each in parent.workers.each()):
                version += 1
                await parent.publish(feature(1, value_version=version))
            revoked = account(version=2, permissions=())
            source.keep(revoked)
            await parent.bus.publish(account_published(revoked))
        finally:
            kill(pid, signal.SIGCONT)
        for stream in stopped:
            await ends_with_goodbye(stream)


async def test_a_worker_that_stays_silent_is_replaced() -> None:
    limits = LinkLimits(silence_seconds=3.0)
    async with parent_of_workers(limits=limits) as parent:
        pid, other = parent.pids()
        with capture_logs() as logs:
            kill(pid, signal.SIGSTOP)
            await all_ready(parent, without=pid)
        crash = next(each for each in logs if each["event"] == "service_crashed")
        assert "not a word for 3 s" in crash["reason"]
        assert other in parent.pids()
        assert await polled(parent) == (200, {"feature-1": True})


async def test_a_bus_that_was_away_is_made_up_for_on_every_worker() -> None:
    source = known_source(feature(1), feature(2))
    async with parent_of_workers(source) as parent:
        streams = await parent.streams_on_every_worker()
        source.environments[STAGING] = environment(feature(1, value_version=2))
        await parent.bus.publish(Reconnected())
        for stream in streams:
            told = await events_until(stream, ("feature-1", 2), ("feature-2", 0))
            assert ("delete_feature", "feature-2") in told


@contextmanager
def parent_process(grace_seconds: float) -> Iterator[tuple[subprocess.Popen[str], int, list[int]]]:
    """Yield a parent in a process of its own, the port of its workers, and these."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.roles.parent_process", str(grace_seconds)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        pids: list[int] = []
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            pids = told["pids"]
            yield process, told["port"], pids
        finally:
            for pid in (process.pid, *pids):
                if is_alive(pid):
                    kill(pid)


async def test_the_workers_of_a_killed_parent_say_goodbye_and_end() -> None:
    with parent_process(1.0) as (process, port, pids):
        streams = [await stream_at(port) for _ in range(30)]
        process.kill()
        async with trio.open_nursery() as nursery:
            for stream in streams:
                nursery.start_soon(ends_with_goodbye, stream)
        await eventually(lambda: not any(is_alive(pid) for pid in pids))
        for stream in streams:
            await stream.stream.aclose()
        # The port is free again.
        reserve("127.0.0.1", port).close()


async def test_a_worker_that_was_stopped_when_its_parent_died_ends_once_it_goes_on() -> None:
    with parent_process(0) as (process, _, pids):
        kill(pids[0], signal.SIGSTOP)
        process.kill()
        await eventually(lambda: not is_alive(pids[1]))
        kill(pids[0], signal.SIGCONT)
        await eventually(lambda: not is_alive(pids[0]))


async def stream_at(port: int) -> Client:
    client = Client(await trio.open_tcp_stream("127.0.0.1", port))
    await client.send(
        f"GET /features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret} HTTP/1.1\r\n"
        "Host: x\r\naccept: text/event-stream\r\n\r\n".encode()
    )
    await client.until(b"\r\n\r\n", seconds=WAIT_SECONDS)
    assert (await client.event())[0] == "ack"
    assert (await client.event())[0] == "features"
    return client
