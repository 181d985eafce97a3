import random

import trio
from trio.testing import MockClock

from fh.edge.connection import Connection
from fh.edge.farewells import say_goodbye


async def told(
    count: int, seconds: float, *, last: frozenset[int] = frozenset()
) -> list[tuple[float, int]]:
    """Return when each of so many streams is told, and its descriptor, in that order."""
    streams = [Connection(1000 + number) for number in range(count)]
    heard: list[tuple[float, int]] = []
    start = trio.current_time()
    await say_goodbye(
        streams,
        lambda stream: heard.append((trio.current_time() - start, stream.descriptor)),
        last=lambda stream: stream.descriptor in last,
        seconds=seconds,
        jitter=random.Random(7),
    )
    assert sorted(descriptor for _, descriptor in heard) == [each.descriptor for each in streams]
    return heard


async def test_all_are_told_evenly_over_the_time_there_is(autojump_clock: MockClock) -> None:
    heard = await told(1000, 10)
    assert [descriptor for _, descriptor in heard] != list(range(1000, 2000))
    times = [at for at, _ in heard]
    assert times[0] == 0
    for share in (0.25, 0.5, 0.75):
        assert abs(times[int(1000 * share)] - 10 * share) < 0.2
    assert 9.5 < times[-1] <= 10


async def test_of_very_many_no_turn_has_too_many(autojump_clock: MockClock) -> None:
    times = [at for at, _ in await told(20_000, 1)]
    assert max(times.count(moment) for moment in set(times)) <= 500
    assert times[-1] <= 1


async def test_some_are_told_last(autojump_clock: MockClock) -> None:
    last = frozenset(range(1000, 1020))
    heard = [descriptor for _, descriptor in await told(100, 1, last=last)]
    assert set(heard[-20:]) == last


async def test_a_few_need_not_wait_for_each_other(autojump_clock: MockClock) -> None:
    assert [at for at, _ in await told(10, 9)] == [0] * 10
    assert await told(0, 9) == []
