import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.dacha.bounded_source import BoundedSource, LoadCrashed, LoadTimedOut, TooManyLoads
from fh.errors import Unavailable
from tests.dacha.world import PRODUCTION, SERVER, STAGING, FakeSource, account, known_world


def bounded(source, concurrent=2, waiting=2):
    return BoundedSource(source, concurrent=concurrent, waiting=waiting, load_seconds=lambda: 5.0)


async def test_an_answer_passes_through():
    source = bounded(known_world())
    assert (await source.load_environment(STAGING)).environment.id == STAGING
    assert await source.load_environment(PRODUCTION) is None
    assert await source.load_account(SERVER) == account()
    assert source.statistics().begun == 3


async def test_loads_at_once_and_loads_waiting_are_bounded(nursery):
    mr = FakeSource()
    mr.hold()
    source = bounded(mr)
    for _ in range(4):
        nursery.start_soon(source.load_account, "x")
    await wait_all_tasks_blocked()
    assert (source.statistics().running, source.statistics().waiting) == (2, 2)
    with pytest.raises(TooManyLoads):
        await source.load_account("x")
    mr.release()
    await wait_all_tasks_blocked()
    assert mr.most_running == 2
    figures = source.statistics()
    assert (figures.begun, figures.refused, figures.running, figures.waiting) == (4, 1, 0, 0)


async def test_no_answer_in_time_is_unavailable_and_gives_its_turn_back(autojump_clock):
    mr = known_world()
    mr.hold()
    source = bounded(mr, concurrent=1)
    with pytest.raises(LoadTimedOut):
        await source.load_account(SERVER)
    assert trio.current_time() == pytest.approx(5.0)
    mr.release()
    assert await source.load_account(SERVER) == account()


async def test_unavailable_and_bugs_are_unavailable():
    mr = known_world()
    source = bounded(mr)
    mr.is_down = True
    with pytest.raises(Unavailable):
        await source.load_account(SERVER)
    mr.bug = KeyError("bug")
    with pytest.raises(LoadCrashed) as caught:
        await source.load_account(SERVER)
    assert isinstance(caught.value.__cause__, KeyError)
    assert source.statistics().failed == 2
