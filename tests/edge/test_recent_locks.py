import trio
from edge_under_test import ENVIRONMENT
from trio.testing import MockClock

from fh.edge.recent_locks import RecentLocks

FLAG, OTHER, THIRD = ((ENVIRONMENT, key) for key in ("flag", "other", "third"))


async def test_the_last_write_counts_for_a_while(autojump_clock: MockClock) -> None:
    locks = RecentLocks(seconds=2)
    assert locks.find(FLAG) is None
    locks.note(FLAG, lock=True)
    locks.note(FLAG, lock=False)
    assert (locks.find(FLAG), locks.find(OTHER)) == (False, None)
    await trio.sleep(2)
    assert locks.find(FLAG) is None


async def test_only_so_many_are_kept_and_none_for_ever(autojump_clock: MockClock) -> None:
    locks = RecentLocks(seconds=2, most=2)
    for place in (FLAG, OTHER, FLAG, THIRD):
        locks.note(place, lock=True)
    assert [locks.find(place) for place in (FLAG, OTHER, THIRD)] == [True, None, True]
    await trio.sleep(2)
    locks.note(OTHER, lock=True)
    assert len(locks) == 1
