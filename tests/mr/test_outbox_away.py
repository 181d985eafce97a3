"""However long the database was away, its return is noticed at once."""

from collections.abc import Awaitable, Callable

import trio
from trio.testing import MockClock

from fh.bus.memory import MemoryBus
from fh.db.errors import DatabaseUnavailable
from fh.db.port import Transaction
from fh.mr.outbox import OutboxPublisher


class AwayDatabase:
    """Is never there, and notes when it was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def transaction(
        self, work: Callable[[Transaction], Awaitable[object]], *, read_only: bool = False
    ) -> object:
        self.asked.append(trio.current_time())
        raise DatabaseUnavailable("away")


async def test_the_publisher_looks_every_second(autojump_clock: MockClock) -> None:
    database = AwayDatabase()
    with trio.move_on_after(120):
        await OutboxPublisher(database, MemoryBus()).run()
    pauses = [
        later - earlier for earlier, later in zip(database.asked, database.asked[1:], strict=False)
    ]
    assert len(pauses) > 100
    assert max(pauses) <= 1
