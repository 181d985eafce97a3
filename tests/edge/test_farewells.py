import random

import trio
import trio.testing

from fh.edge.connection import Connection
from fh.edge.farewells import say_goodbye


async def test_many_are_told_in_batches_over_the_time_there_is(
    autojump_clock: trio.testing.MockClock,
) -> None:
    streams = [Connection(1000 + number) for number in range(1200)]
    told: list[tuple[float, Connection]] = []
    began = trio.current_time()
    await say_goodbye(
        streams,
        lambda connection: told.append((trio.current_time() - began, connection)),
        seconds=9,
        jitter=random.Random(7),
    )
    assert sorted(each.descriptor for _, each in told) == [each.descriptor for each in streams]
    assert [each for _, each in told] != streams
    moments = [round(at) for at, _ in told]
    assert [moments.count(at) for at in (0, 3, 6)] == [500, 500, 200]


async def test_without_streams_there_is_nothing_to_wait_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    began = trio.current_time()
    await say_goodbye([], lambda _: None, seconds=9, jitter=random.Random(7))
    assert trio.current_time() == began
