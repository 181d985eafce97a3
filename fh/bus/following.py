"""Every event, whatever the bus loses.

A bus may drop, double, delay and reorder. Events carry numbers without gaps, so whoever follows
them notices a loss by the next number, or by looking into MR's log every few seconds, and takes
what is missing from there. Events are passed on as soon as they arrive, missing ones later: their
versions keep the order, the numbers only tell what is still to come.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
import trio

from fh.bus.port import Reconnected, TimedSubscriber
from fh.contracts.event_log import UNNUMBERED, EventLog, NoEventLog, Undecodable
from fh.contracts.published import Published
from fh.errors import Unavailable

log = structlog.get_logger()

_NOWHERE = -1
_MOST_AHEAD = 10_000


@dataclass(frozen=True, slots=True)
class FollowingStatistics:
    """Counts since the start; `at` is the number up to which nothing is missing, -1 for none.

    `foreign` counts numbers that MR had not given to anything.
    """

    at: int
    repaired: int
    reloads: int
    failed_looks: int
    foreign: int


class Following:
    """Passes on what the bus brings, and what it did not bring. A service."""

    def __init__(
        self,
        event_log: EventLog,
        deliver: TimedSubscriber,
        *,
        look_seconds: float = 2.0,
        reorder_seconds: float = 0.1,
        begin: Callable[[], int] = lambda: _NOWHERE,
        reloads_without_log: bool = True,
        address: str = "",
    ) -> None:
        """Follow `event_log`, looking into it every `look_seconds`; operators know it by `address`.

        After a gap in the numbers the missing events have `reorder_seconds` to arrive by the bus.
        `begin` returns, when `run` starts, the number up to which nothing is missing already.
        `reloads_without_log` says whether a gap is made up for where there are no numbers.
        """
        self._log = event_log
        self._deliver = deliver
        self._look_seconds = look_seconds
        self._reorder_seconds = reorder_seconds
        self._begin = begin
        self._reloads_without_log = reloads_without_log
        self._address = address
        self._trouble = "not looked into yet"
        self._is_out_of_reach = False
        self._at = _NOWHERE
        self._as_of = _NOWHERE
        self._ahead: set[int] = set()
        self._turn = trio.Lock()
        self._gap = trio.Event()
        self._progress = trio.Condition()
        self._may_have_missed = True
        self._is_reloading = False
        self._has_log = True
        self._repaired = 0
        self._reloads = 0
        self._failed_looks = 0
        self._foreign = 0

    @property
    def has_begun(self) -> bool:
        """Whether the log was read at least once, or there is none to read."""
        return self._at != _NOWHERE or not self._has_log

    @property
    def obstacle(self) -> str | None:
        """What keeps it from beginning, for operators; None once it has begun."""
        where = f"the log of {self._address}" if self._address else "the log"
        return None if self.has_begun else f"{where}: {self._trouble}"

    @property
    def may_have_missed(self) -> bool:
        """Whether the bus was away, and nobody has made up for it yet."""
        return self._may_have_missed or self._is_reloading

    @property
    def has_log(self) -> bool:
        """Whether numbers tell what is missing, as far as is known."""
        return self._has_log

    @property
    def at(self) -> int:
        """The number up to which nothing is missing; -1 before the first look."""
        return self._at

    @property
    def as_of(self) -> int:
        """The number that no answer may be older than; -1 for none.

        That is `at`, but for the moment in which subscribers are told to load everything anew.
        """
        return self._as_of

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look for what is missing until cancelled."""
        if self._at == _NOWHERE:
            await self._go_to(self._begin())
        task_status.started()
        while True:
            try:
                await self._catch_up()
                self._may_have_missed = False
                self._has_log = True
                self._note_reached()
            except NoEventLog:
                self._note_reached()
                await self._go_on_without()
            except Unavailable as away:
                self._note_out_of_reach(str(away) or type(away).__name__)
            self._gap = trio.Event()
            if self._ahead:
                self._gap.set()
            with trio.move_on_after(self._look_seconds):
                await self._gap.wait()
                # What overtook the others is often followed by them at once.
                await trio.sleep(self._reorder_seconds)

    async def take(
        self, sequence: int, event: Published, committed_at: float | None = None
    ) -> None:
        """Pass on an event that the bus brought."""
        async with self._turn:
            await self._deliver(event, committed_at)
            if sequence != UNNUMBERED:
                await self._note(sequence)

    def look(self) -> None:
        """Look at once: the bus was away, and may have lost something."""
        self._may_have_missed = True
        self._gap.set()

    async def reach(self, sequence: int) -> None:
        """Return once nothing up to `sequence` is missing; at once where nobody numbers."""
        async with self._progress:
            while self._has_log and self._at < sequence:
                self._gap.set()
                await self._progress.wait()

    def statistics(self) -> FollowingStatistics:
        """Return the counts of this moment."""
        return FollowingStatistics(
            self._at, self._repaired, self._reloads, self._failed_looks, self._foreign
        )

    def _note_out_of_reach(self, reason: str) -> None:
        self._failed_looks += 1
        self._trouble = reason
        tell = log.debug if self._is_out_of_reach else log.warning
        tell("event_log_out_of_reach", address=self._address, reason=reason)
        self._is_out_of_reach = True

    def _note_reached(self) -> None:
        if self._is_out_of_reach:
            self._is_out_of_reach = False
            log.info("event_log_in_reach_again", address=self._address)

    async def _go_on_without(self) -> None:
        """Have everything loaded anew where nobody can say what is missing."""
        if self._has_log:
            self._has_log = False
            async with self._progress:
                self._progress.notify_all()
            log.warning("no_event_log", hint="MR is of another make: what the bus loses stays lost")
        if self._may_have_missed:
            self._may_have_missed = False
            if not self._reloads_without_log:
                return
            await self._reload()

    async def _reload(self) -> None:
        self._reloads += 1
        self._is_reloading = True
        try:
            async with self._turn:
                await self._deliver(Reconnected(), None)
        finally:
            self._is_reloading = False

    async def _catch_up(self) -> None:
        more = True
        while more:
            before = frozenset(self._ahead)  # what comes during the look may be newer than it
            found = await self._log.events_after(self._at)
            async with self._turn:
                self._drop_foreign(before, found.newest)
                if found.lost:
                    self._reloads += 1
                    self._ahead.clear()
                    self._as_of = found.up_to  # whoever loads anew asks for no less
                    await self._deliver(Reconnected(), None)
                for numbered in found.events:
                    if numbered.sequence <= self._at or numbered.sequence in self._ahead:
                        continue
                    try:
                        event = numbered.decoded()
                    except Undecodable:
                        log.exception("event_undecodable", sequence=numbered.sequence)
                        continue
                    self._repaired += 1
                    await self._deliver(event, None)
                await self._go_to(found.up_to if found.lost else max(self._at, found.up_to))
            more = found.up_to < found.newest

    def _drop_foreign(self, numbers: frozenset[int], newest: int) -> None:
        """Wait for none of `numbers` that is above `newest`, which MR gave after they had come.

        Another database's MR sends on the same subject, or this one was restored.
        """
        foreign = [each for each in numbers & self._ahead if each > newest]
        if foreign:
            if not self._foreign:
                hint = (
                    "does an MR with another database use the same NATS, or was this one restored?"
                )
                log.warning("event_number_unknown_to_mr", number=max(foreign), hint=hint)
            self._foreign += len(foreign)
            self._ahead.difference_update(foreign)

    async def _note(self, sequence: int) -> None:
        if sequence <= self._at:
            return
        if self._at == _NOWHERE or sequence > self._at + 1:
            if len(self._ahead) < _MOST_AHEAD:
                self._ahead.add(sequence)
            self._gap.set()
            return
        await self._go_to(sequence)

    async def _go_to(self, sequence: int) -> None:
        """Be at `sequence`, or further where the events after it are there already."""
        while sequence + 1 in self._ahead:
            sequence += 1
        self._at = self._as_of = sequence
        self._ahead = {each for each in self._ahead if each > sequence}
        async with self._progress:
            self._progress.notify_all()
