"""What operators do reaches every process with streams, also those that begin later."""

import signal
from uuid import UUID

import pytest
import trio

from fh.edge.census import By, Counted, Group, Wanted
from fh.edge.dismissal import Dismissal
from fh.edge.sdks import Sdk
from fh.model.ids import EnvironmentId
from fh.roles import edges as module
from tests.dacha.world import STAGING
from tests.roles.workers_world import (
    CLIENT_KEY,
    SERVER_KEY,
    WAIT_SECONDS,
    Parent,
    all_ready,
    ends_with_goodbye,
    eventually,
    kill,
    parent_of_workers,
)

POLL = (
    f"GET /features?apiKey={CLIENT_KEY.environment_id}/{CLIENT_KEY.secret} HTTP/1.1\n"
    "Host: x\nConnection: close\n\n"
)
STREAM = f"GET /features/{STAGING}/{SERVER_KEY.secret} HTTP/1.1\nHost: x\n"


async def answered(parent: Parent, request: str) -> tuple[int, dict[str, str]]:
    client = await parent.request(request)
    status, headers, _ = await client.answer()
    return status, headers


async def until_answered(parent: Parent, request: str, status: int) -> None:
    """Ask until every worker must have heard of the order."""
    with trio.fail_after(WAIT_SECONDS):
        agreed = 0
        while agreed < 20:
            found, _ = await answered(parent, request)
            agreed = agreed + 1 if found == status else 0


async def test_a_census_adds_up_what_all_workers_have() -> None:
    async with parent_of_workers() as parent:
        streams = await parent.streams_on_every_worker()
        await parent.open_streams(3, CLIENT_KEY)
        client = await parent.request(f"{STREAM}X-SDK: Python\nX-SDK-Version: 1.0\n\n")
        await client.until(b"event: features")
        census, silent = await parent.edges.census(Wanted(By.KEY))
        assert silent == ()
        assert {each.group.key: each.streams for each in census.groups} == {
            SERVER_KEY: len(streams) + 1,
            CLIENT_KEY: 3,
        }
        assert census.streams == len(streams) + 4
        census, _ = await parent.edges.census(Wanted(By.SDK, STAGING))
        assert Counted(Group(sdk=Sdk("Python", "1.0")), 1, 0) in census.groups


async def test_a_worker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.5)
    async with parent_of_workers() as parent:
        streams = await parent.streams_on_every_worker()
        [first, second] = parent.workers.each()
        assert first.pid is not None
        kill(first.pid, signal.SIGSTOP)
        try:
            census, silent = await parent.edges.census(Wanted())
            assert silent == ("worker-0",)
            assert census.streams == second.engine.streams
            count, silent = await parent.edges.dismiss(Dismissal(share=1.0))
            assert (count, silent) == (second.engine.streams, ("worker-0",))
        finally:
            kill(first.pid, signal.SIGCONT)
        # It does what it was told when it can.
        for stream in streams:
            await ends_with_goodbye(stream)


async def test_a_share_of_all_streams_leaves() -> None:
    async with parent_of_workers() as parent:
        await parent.open_streams(40)
        count, _ = await parent.edges.dismiss(Dismissal(share=0.5))
        assert 19 <= count <= 21  # each worker's share is rounded by chance
        await eventually(lambda: parent.workers.statistics().streams == 40 - count)
        await parent.figures()
        assert parent.workers.statistics().goodbyes == count
        elsewhere = Dismissal(environment_id=EnvironmentId(UUID(int=999)))
        assert await parent.edges.dismiss(elsewhere) == (0, ())


async def test_whoever_drains_lets_no_stream_in_and_answers_polls_on() -> None:
    async with parent_of_workers() as parent:
        streams = await parent.streams_on_every_worker()
        parent.edges.orders.draining = True
        parent.edges.obey()
        count, _ = await parent.edges.dismiss(Dismissal(seconds=0.2, while_draining=True))
        assert count == len(streams)
        for stream in streams:
            await ends_with_goodbye(stream)
        await until_answered(parent, f"{STREAM}\n", 503)
        _, headers = await answered(parent, f"{STREAM}\n")
        assert 1 <= int(headers["retry-after"]) <= 5
        assert (await answered(parent, POLL))[0] == 200
        # A worker that begins now drains, too.
        killed = parent.pids()[0]
        kill(killed)
        await all_ready(parent, without=killed)
        await until_answered(parent, f"{STREAM}\n", 503)
        parent.edges.orders.draining = False
        parent.edges.obey()
        await until_answered(parent, f"{STREAM}\n", 200)


async def test_a_pause_ends_by_itself_whoever_asks_meanwhile() -> None:
    async with parent_of_workers(count=1) as parent:
        parent.edges.orders.pause(CLIENT_KEY, 1.0)
        parent.edges.obey()
        with trio.fail_after(WAIT_SECONDS):
            while (await answered(parent, POLL))[0] != 503:
                await parent.edges.census(Wanted())
            while (await answered(parent, POLL))[0] != 200:
                await parent.edges.census(Wanted())


async def test_a_paused_key_is_put_off_whatever_it_asks() -> None:
    async with parent_of_workers() as parent:
        streams = await parent.streams_on_every_worker()
        others = await parent.open_streams(4, CLIENT_KEY)
        assert (await answered(parent, POLL))[0] == 200
        number = parent.edges.orders.pause(SERVER_KEY, 3600)
        parent.edges.obey()
        count, _ = await parent.edges.dismiss(Dismissal(whom=SERVER_KEY))
        assert count == len(streams)
        for stream in streams:
            await ends_with_goodbye(stream)
        await until_answered(parent, f"{STREAM}\n", 503)
        _, headers = await answered(parent, f"{STREAM}\n")
        assert 3500 < int(headers["retry-after"]) <= 3600
        await until_answered(parent, POLL.replace(CLIENT_KEY.secret, SERVER_KEY.secret), 503)
        await until_answered(parent, POLL, 200)
        await parent.figures()
        assert parent.workers.statistics().streams == len(others)
        assert parent.edges.orders.resume(number) == SERVER_KEY
        parent.edges.obey()
        await until_answered(parent, POLL.replace(CLIENT_KEY.secret, SERVER_KEY.secret), 200)
