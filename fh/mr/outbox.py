"""The outbox: what a transaction has to tell is committed with it, and published afterwards.

`announce` writes events; `OutboxPublisher` hands them to the bus in the order of the commits and
then moves them to the log, for caches that missed some, and for all where the bus never takes an
event: too large for the broker, it still comes by the log. So nothing that was committed is ever
lost, nothing that was rolled back is ever published, and after a crash in between an event may be
published twice, which its version makes harmless.

Several MRs share one database and so one outbox. Publishing waits for the bus, outside of any
transaction, so no lock of PostgreSQL can span it: a lease does, a row with an owner and an expiry
by the database's clock. Whoever holds it publishes alone, extends it while the bus is slow, and
stops when it can't. Only when a process is frozen in the middle of a publication may another MR
publish the same events meanwhile: the same harmless duplicates, never a loss.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID, uuid4

import structlog
import trio

from fh.bus.errors import EventTooLarge
from fh.bus.port import Bus
from fh.contracts.event_log import Undecodable, decode_event, kind_of
from fh.contracts.published import Published, encode_published
from fh.db.port import Database, Transaction
from fh.errors import FeatureHubError, Unavailable
from fh.mr.repositories.outbox import (
    OUTBOX_CHANNEL,
    OutboxEntry,
    Progress,
    hold,
    insert_entries,
    release,
    settle,
    take_entries,
)

log = structlog.get_logger()

Listen: TypeAlias = Callable[[str], AbstractAsyncContextManager[AsyncIterator[str]]]
"""Opens LISTEN on a channel, as `PostgresDatabase.listen` does."""

_FAREWELL_SECONDS = 2.0


async def announce(tx: Transaction, *events: Published | None) -> None:
    """Have `events` published once the transaction commits, in this order.

    The last thing a transaction does: from here to its commit no other can announce.
    """
    entries = [(kind_of(event), encode_published(event)) for event in events if event is not None]
    if entries:
        await insert_entries(tx, entries)


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """How the outbox is emptied.

    Attributes:
        poll_seconds: How long a wake-up that got lost can delay an event.
        lease_seconds: After that time without a sign of life another MR takes over.
        batch: Events that are read at a time.
        first_pause_seconds: Before the next look while bus or database is away, twice as long each
            time until `longest_pause_seconds`. All caches wait so long for what is new when they
            are back.
        attempts: How often an event is tried that the bus refuses although it is there.
    """

    poll_seconds: float = 1.0
    lease_seconds: float = 3.0
    batch: int = 200
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 1.0
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class OutboxStatistics:
    """Counts since the start; `lag_seconds` is the age of the oldest event at the last look."""

    published: int
    failed: int
    dead: int
    lag_seconds: float


class OutboxPublisher:
    """Empties the outbox into the bus. A service.

    Args:
        listen: Opens the stream of wake-ups; without it only polling and `changed` find events.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        *,
        listen: Listen | None = None,
        settings: OutboxSettings | None = None,
    ) -> None:
        self._database = database
        self._bus = bus
        self._listen = listen
        self._settings = settings or OutboxSettings()
        self._holder: UUID = uuid4()
        self._wake = trio.Event()
        self._progress = Progress()  # what the database does not know yet
        self._refusals: dict[int, int] = {}
        self._published = 0
        self._failed = 0
        self._dead = 0
        self._lag_seconds = 0.0
        self._delayed = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Publish until cancelled. Bus and database may come and go; nothing is lost meanwhile."""
        try:
            async with trio.open_nursery() as nursery:
                if self._listen is not None:
                    nursery.start_soon(self._wait_for_changes, self._listen)
                task_status.started()
                await self._publish_forever()
        finally:
            # So that the next publisher neither waits for the lease nor publishes twice.
            with trio.move_on_after(_FAREWELL_SECONDS, shield=True):
                await self._settle_and_release()

    def changed(self) -> None:
        """Have a look now instead of at the next poll."""
        self._wake.set()

    def statistics(self) -> OutboxStatistics:
        """Return the counts of this moment."""
        return OutboxStatistics(self._published, self._failed, self._dead, self._lag_seconds)

    async def _publish_forever(self) -> None:
        pause_seconds = self._settings.first_pause_seconds
        while True:
            self._wake = trio.Event()  # before looking: what comes meanwhile wakes us again
            try:
                more = await self._advance()
            except Unavailable as away:
                self._note_delay(away)
                await self._settle_and_release()  # perhaps another MR's bus is there
                await trio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, self._settings.longest_pause_seconds)
                continue
            pause_seconds = self._settings.first_pause_seconds
            self._note_recovery()
            if not more:
                with trio.move_on_after(self._settings.poll_seconds):
                    await self._wake.wait()

    async def _advance(self) -> bool:
        """Publish one batch; return whether there may be another one.

        Raises:
            Unavailable: the bus or the database is away; what was published is remembered.
        """
        progress, settings = self._progress, self._settings

        async def next_entries(tx: Transaction) -> Sequence[OutboxEntry]:
            await settle(tx, progress)
            return await take_entries(tx, self._holder, settings.lease_seconds, settings.batch)

        entries = await self._database.transaction(next_entries)
        taken_at = time.time()
        self._progress = Progress()
        self._lag_seconds = entries[0].age_seconds if entries else 0.0
        if not entries:
            return False
        fault: Unavailable | None = Unavailable("the lease of the outbox could not be extended")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_lease, nursery.cancel_scope)
            fault = await self._publish(entries, taken_at)
            nursery.cancel_scope.cancel()
        if fault is not None:
            raise fault
        return True

    async def _keep_lease(self, publishing: trio.CancelScope) -> None:
        third_seconds = self._settings.lease_seconds / 3
        while True:
            await trio.sleep(third_seconds)
            held = False
            with trio.move_on_after(third_seconds):
                try:
                    held = await self._database.transaction(
                        lambda tx: hold(tx, self._holder, self._settings.lease_seconds)
                    )
                except Unavailable as away:
                    log.debug("outbox_lease_not_extended", reason=str(away))
            if not held:
                publishing.cancel()
                return

    async def _publish(self, entries: Sequence[OutboxEntry], taken_at: float) -> Unavailable | None:
        """Publish in order, never past one that is not published; return what is in the way.

        `taken_at` is when they had their ages, by the wall clock here.
        """
        for entry in entries:
            event = self._decoded(entry)
            if event is None:
                continue
            try:
                await self._bus.publish(event, entry.id, taken_at - entry.age_seconds)
            except Unavailable as away:
                self._failed += 1
                return away
            except Exception as refusal:  # noqa: BLE001 -- one event must not stop all later ones
                if (fault := self._refused(entry, refusal)) is not None:
                    return fault
            else:
                self._published += 1
                self._note_logged(entry)
        return None

    def _note_logged(self, entry: OutboxEntry) -> None:
        self._progress = Progress((*self._progress.logged, entry.id), self._progress.dead)

    def _decoded(self, entry: OutboxEntry) -> Published | None:
        try:
            return decode_event(entry.kind, entry.body)
        except Undecodable as fault:
            reason = str(fault)
            self._note_dead(entry, reason, "it can't be read, so caches are not told")
            dead = (*self._progress.dead, (entry.id, reason))
            self._progress = Progress(self._progress.logged, dead)
            return None

    def _refused(self, entry: OutboxEntry, refusal: Exception) -> Unavailable | None:
        self._failed += 1
        attempts = self._refusals.pop(entry.id, 0) + 1
        if attempts < self._settings.attempts and not isinstance(refusal, EventTooLarge):
            self._refusals = {entry.id: attempts}
            return Unavailable(f"the bus refused event {entry.id}: {refusal!r}")
        self._note_dead(entry, f"the bus refused it: {refusal!r}", "caches find it in the log")
        self._note_logged(entry)
        return None

    def _note_dead(self, entry: OutboxEntry, reason: str, hint: str) -> None:
        self._dead += 1
        log.error(
            "outbox_event_moved_aside",
            outbox_id=entry.id,
            kind=entry.kind,
            reason=reason,
            hint=hint,
        )

    async def _settle_and_release(self) -> None:
        progress = self._progress

        async def farewell(tx: Transaction) -> None:
            await settle(tx, progress)
            await release(tx, self._holder)

        try:
            await self._database.transaction(farewell)
        except Unavailable as away:
            log.debug("outbox_lease_left_to_expire", reason=str(away))
        else:
            self._progress = Progress()

    async def _wait_for_changes(self, listen: Listen) -> None:
        while True:
            try:
                async with listen(OUTBOX_CHANNEL) as wakeups:
                    async for _payload in wakeups:
                        self._wake.set()
            except Unavailable as away:
                log.debug("outbox_listener_waiting", reason=str(away))
            await trio.sleep(self._settings.poll_seconds)  # polling goes on meanwhile

    def _note_delay(self, reason: FeatureHubError) -> None:
        if not self._delayed:
            self._delayed = True
            log.warning("outbox_delayed", reason=str(reason))

    def _note_recovery(self) -> None:
        if self._delayed:
            self._delayed = False
            log.info("outbox_recovered", published=self._published)
