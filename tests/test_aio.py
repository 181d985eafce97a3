import asyncio
import contextvars
import threading

import pytest
import trio

from fh.aio import Island, IslandDown
from fh.errors import Unavailable

pytestmark = pytest.mark.usefixtures("bounded")


@pytest.fixture
async def bounded():
    with trio.fail_after(30):
        yield


@pytest.fixture
async def island(open_service):
    async with open_service(Island()) as island:
        yield island


async def test_a_call_returns_what_the_coroutine_returns(island):
    async def work():
        await asyncio.sleep(0)
        return threading.current_thread().name

    assert await island.call(work) == "asyncio-island"


async def test_an_exception_reaches_the_caller_unchanged(island):
    error = LookupError("over there")

    async def work():
        raise error

    with pytest.raises(LookupError) as caught:
        await island.call(work)
    assert caught.value is error


async def test_a_failing_make_reaches_the_caller(island):
    def make():
        raise LookupError("not even a coroutine")

    with pytest.raises(LookupError):
        await island.call(make)


async def test_cancelling_a_call_waits_until_its_coroutine_has_ended(island):
    ended = []
    started = island.inbox(1)

    async def work():
        try:
            started.put_nowait(None)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append("cleaned up")

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(island.call, work)
            await started.receive()
            scope.cancel()

    assert scope.cancelled_caught
    assert ended == ["cleaned up"]


async def test_a_coroutine_past_its_point_of_no_return_gives_its_value(island):
    started = island.inbox(1)
    results = []

    async def work():
        started.put_nowait(None)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done all the same"

    async def call():
        results.append(await island.call(work))

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            await started.receive()
            scope.cancel()

    assert results == ["done all the same"]


async def test_a_cancelled_task_does_not_even_start_a_call(island):
    called = []
    with trio.CancelScope() as scope:
        scope.cancel()
        await island.call(lambda: called.append(1))
    assert not called


async def test_context_variables_cross(island):
    variable = contextvars.ContextVar("variable")
    variable.set("from trio")

    async def work():
        return variable.get()

    assert await island.call(work) == "from trio"


async def test_a_call_without_a_running_island_is_refused():
    with pytest.raises(IslandDown):
        await Island().call(lambda: asyncio.sleep(0))
    assert issubclass(IslandDown, Unavailable)


async def test_calls_under_way_fail_when_the_island_stops(open_service):
    outcomes = []

    async def call(island, started):
        async def work():
            started.put_nowait(None)
            await asyncio.Event().wait()

        with pytest.raises(IslandDown):
            await island.call(work)
        outcomes.append("down")

    async with trio.open_nursery() as nursery, open_service(Island()) as island:
        started = island.inbox(1)
        nursery.start_soon(call, island, started)
        await started.receive()

    assert outcomes == ["down"]
    with pytest.raises(IslandDown):
        await started.receive()


async def test_an_island_can_run_again(open_service):
    island = Island()
    for _ in range(2):
        async with open_service(island):
            assert await island.call(lambda: asyncio.sleep(0, "alive")) == "alive"


async def test_two_runs_at_once_are_refused(island):
    with pytest.raises(RuntimeError, match="running already"):
        await island.run()


async def test_an_asyncio_callback_fills_an_inbox(island):
    inbox = island.inbox(capacity=2)

    async def work():
        accepted = []
        asyncio.get_running_loop().call_soon(
            lambda: accepted.extend(inbox.put_nowait(number) for number in range(3))
        )
        await asyncio.sleep(0)
        return accepted

    assert await island.call(work) == [True, True, False]
    assert [await inbox.receive(), await inbox.receive()] == [0, 1]


async def test_what_breaks_the_loop_is_raised_by_run_and_calls_are_refused():
    island = Island()

    async def work():
        raise SystemExit(3)

    with pytest.RaisesGroup(SystemExit):
        async with trio.open_nursery() as nursery:
            await nursery.start(island.run)
            with pytest.raises(BaseException):  # noqa: B017, PT011 - either side may be first
                await island.call(work)
    with pytest.raises(IslandDown):
        await island.call(work)


async def test_what_is_still_open_is_told_when_the_island_stops(open_service):
    told = []
    async with open_service(Island()) as island:

        async def work():
            island.at_stop(lambda: told.append(threading.current_thread().name))
            island.at_stop(lambda: told.append("taken back"))()

        await island.call(work)
        assert told == []
    assert told == ["asyncio-island"]
