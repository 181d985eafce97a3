"""MR behind a gate: a cold Dacha must not become the storm that keeps MR down.

Unavailable
├── LoadTimedOut    MR did not answer in time
└── TooManyLoads    too many wait already
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, dataclass
from typing import TypeVar

import structlog
import trio

from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.contracts.truth import SecondLook, TruthSource
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()

T = TypeVar("T")


class LoadCrashed(Unavailable):
    """Loading raised what it should not; chained to it."""


class LoadTimedOut(Unavailable):
    """MR did not answer within `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds = seconds


class TooManyLoads(Unavailable):
    """`waiting` loads wait for their turn already."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} loads are waiting")
        self.waiting = waiting


@dataclass(frozen=True, slots=True)
class LoadStatistics:
    """Counts since the start, and the loads of this moment."""

    begun: int
    failed: int
    refused: int
    running: int
    waiting: int


def total_loads(parts: Sequence[LoadStatistics]) -> LoadStatistics:
    """Return the sum of the counts of several sources."""
    return LoadStatistics(*map(sum, zip(*map(astuple, parts), strict=True)))


class BoundedSource:
    """A TruthSource with a bound on loads at once, on loads waiting, and on each one's time.

    `load_seconds` is asked at the start of each. Whatever goes wrong is `Unavailable`.
    """

    def __init__(
        self,
        source: TruthSource,
        *,
        concurrent: int,
        waiting: int,
        load_seconds: Callable[[], float],
    ) -> None:
        self._source = source
        self._turns = trio.Semaphore(concurrent)
        self._concurrent = concurrent
        self._waiting_bound = waiting
        self._load_seconds = load_seconds
        self._waiting = 0
        self._begun = 0
        self._failed = 0
        self._refused = 0

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """Return the environment, or None when there is none.

        Raises:
            Unavailable: MR can't answer, not in time, or too many ask.
        """
        return await self._in_turn(lambda: self._source.load_environment(environment_id))

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """Return the account, or None when there is none.

        Raises:
            Unavailable: MR can't answer, not in time, or too many ask.
        """
        return await self._in_turn(lambda: self._source.load_account(secret))

    async def look_again(self, key: SdkKey) -> None:
        """Have a source that may be behind look again; others are not.

        Raises:
            Unavailable: it can't, not in time, or too many ask.
        """
        source = self._source
        if isinstance(source, SecondLook):
            await self._in_turn(lambda: source.look_again(key))

    def statistics(self) -> LoadStatistics:
        """Return the counts of this moment."""
        return LoadStatistics(
            begun=self._begun,
            failed=self._failed,
            refused=self._refused,
            running=self._concurrent - self._turns.value,
            waiting=self._waiting,
        )

    async def _in_turn(self, load: Callable[[], Awaitable[T]]) -> T:
        seconds = self._load_seconds()
        try:
            with trio.fail_after(seconds):
                await self._wait_for_turn()
                try:
                    self._begun += 1
                    return await load()
                finally:
                    self._turns.release()
        except trio.TooSlowError as error:
            self._failed += 1
            raise LoadTimedOut(seconds) from error
        except TooManyLoads:
            raise
        except Unavailable:
            self._failed += 1
            raise
        except Exception as error:
            # A request ends here: a bug on the other side must not cost us what we know.
            self._failed += 1
            log.exception("load_crashed")
            raise LoadCrashed("loading failed") from error

    async def _wait_for_turn(self) -> None:
        try:
            self._turns.acquire_nowait()
        except trio.WouldBlock:
            if self._waiting >= self._waiting_bound:
                self._refused += 1
                raise TooManyLoads(self._waiting) from None
            self._waiting += 1
            try:
                await self._turns.acquire()
            finally:
                self._waiting -= 1
