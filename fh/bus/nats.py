"""The bus over NATS: what Java's and our own MR, Dacha and Edge tell each other.

Whoever lives in the process of the publisher hears an event first, and without the broker: a
party-server does not depend on it for itself. Everybody else gets what the broker passes on, at
most once; after each gap `Reconnected` has them reload.

The broker is core NATS: nothing is stored there, unless a stream of JetStream is to keep
announcements. Then an event is published when the stream has it, and who was away goes on in the
stream where it stopped.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import structlog
import trio

from fh.aio import Island
from fh.bus.errors import BusUnavailable, EventTooLarge
from fh.bus.events import (
    ANNOUNCEMENTS,
    UPDATES,
    BusEvent,
    encode_json,
    published_event,
    update_event,
)
from fh.bus.following import Following, FollowingStatistics
from fh.bus.intake import Intake
from fh.bus.message import Letter, Message
from fh.bus.nats_connection import NatsConnection
from fh.bus.nats_link import APPLIED, DROPPED, NOT_NOW, Link
from fh.bus.nats_reader import NatsReader
from fh.bus.nats_settings import NatsSettings
from fh.bus.nats_statistics import NatsBusStatistics
from fh.bus.nats_stream import AnnouncementStream
from fh.bus.port import Reconnected, Subscriber, TimedSubscriber, UpdateWorker
from fh.bus.subscribers import Subscribers
from fh.contracts.event_log import UNNUMBERED, EventLog
from fh.contracts.published import Published, PublishFeatureValues
from fh.contracts.updates import StreamedFeatureUpdate
from fh.errors import Unavailable
from fh.wire.cloudevents import CloudEvent, encode_headers

log = structlog.get_logger()

_LARGE_BYTES = 128 * 1024  # from here on compressing takes milliseconds


class NatsBus:
    """The port `Bus` over NATS. A service; subscribe and work before it is run."""

    def __init__(
        self,
        island: Island,
        settings: NatsSettings,
        *,
        event_log: EventLog | None = None,
        begin: Callable[[], int] = lambda: -1,
        reloads_without_log: bool = True,
        log_address: str = "",
        source: random.Random | None = None,
    ) -> None:
        """Take part in NATS; what it loses is taken from `event_log`, if there is one.

        `log_address` is where that is, for operators.

        `begin` returns the number up to which that is known already. `reloads_without_log` says
        whether subscribers are told of a gap that no log can fill.
        """
        self._island = island
        self._settings = settings
        self._subscribers = Subscribers()
        self._following = (
            None
            if event_log is None
            else Following(
                event_log,
                self._subscribers.deliver,
                begin=begin,
                reloads_without_log=reloads_without_log,
                address=log_address,
            )
        )
        self._worker: UpdateWorker | None = None
        self._worker_is_there = trio.Event()
        self._stream = None if settings.stream is None else AnnouncementStream(settings)
        self._connection = NatsConnection(
            island,
            settings,
            source or random.Random(),  # noqa: S311 - to spread load
            self._stream,
        )
        self._reader = NatsReader(island, self._connection, settings)
        self._announcements: Intake | None = None
        self._updates: Intake | None = None
        self._looked_since = 0  # up to which of the gaps between connections the log was read
        self._published = 0
        self._too_large = 0
        self._submitted = 0
        self._applied = 0
        self._postponed = 0
        self._failed_updates = 0

    @property
    def connected(self) -> bool:
        """Whether a server is connected, and sends what is announced."""
        return self._connection.connected

    @property
    def is_away(self) -> bool:
        """Whether events may be missing here: no server, or one whose gap is not filled yet."""
        if not self.connected:
            return True
        following = self._following
        return following is not None and (
            following.may_have_missed or self._looked_since != self._connection.gaps
        )

    @property
    def is_in_doubt(self) -> bool:
        """Whether events may be missing here of which no number tells."""
        following = self._following
        return self.is_away and (following is None or not following.has_log)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take part until cancelled; ready once each server was tried or one is connected."""
        settings = self._settings
        announcements = Intake(settings.waiting_messages, settings.waiting_bytes)
        updates = Intake(settings.waiting_updates, settings.waiting_bytes)
        self._announcements, self._updates = announcements, updates
        if self._stream is not None:
            self._stream.forget()  # what waited in the intake of an earlier run is lost

        async def prepare(link: Link) -> None:
            if self._worker is not None:
                await link.take_updates(updates)

        async def attend(link: Link) -> None:
            await self._worker_is_there.wait()
            await self._island.call(partial(link.take_updates, updates))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._deliver_forever, announcements)
            for _ in range(settings.updates_at_once):
                nursery.start_soon(self._apply_forever, updates)
            await nursery.start(self._connection.run, announcements, prepare, attend)
            self._looked_since = self._connection.gaps
            if self._following is not None:
                await nursery.start(self._following.run)
            task_status.started()

    @property
    def following(self) -> FollowingStatistics | None:
        """How far this process has followed, None if it does not."""
        return None if self._following is None else self._following.statistics()

    @property
    def position(self) -> int:
        """The number up to which nothing is missing here."""
        return UNNUMBERED if self._following is None else max(UNNUMBERED, self._following.at)

    @property
    def as_of(self) -> int:
        """The number that no answer may be older than."""
        return UNNUMBERED if self._following is None else max(UNNUMBERED, self._following.as_of)

    def has_followed(self) -> bool | str:
        """Return whether MR's log was read at least once, or there is none; a text says why not."""
        return True if self._following is None else self._following.obstacle or True

    async def reach(self, sequence: int) -> None:
        """Return once nothing up to `sequence` is missing here."""
        if self._following is not None:
            await self._following.reach(sequence)

    async def publish(
        self, event: Published, sequence: int = UNNUMBERED, committed_at: float | None = None
    ) -> None:
        """Deliver `event` to the subscribers of this process, then hand it to the broker.

        Raises:
            BusUnavailable: the broker is not there or did not take it; publish again later.
            EventTooLarge: nobody elsewhere will ever hear of it.
        """
        await self._hear(event, sequence, committed_at)
        at = (
            datetime.now(UTC) if committed_at is None else datetime.fromtimestamp(committed_at, UTC)
        )
        link = self._connection.link
        settings = self._settings
        try:
            letter = await self._letter(
                settings.cache_subject,
                event,
                lambda json: published_event(event, json, at, sequence),
            )
            copies = []
            if settings.edge_subject and isinstance(event, PublishFeatureValues):
                copies.append(Letter(settings.edge_subject, letter.headers, letter.data))
            if self._stream is not None:
                letter = self._stream.marked(letter, sequence)
            await self._island.call(partial(link.announce, letter, copies))
        except EventTooLarge:
            self._too_large += 1
            raise
        self._published += 1

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Deliver everything from now on to `subscriber`, after those that subscribed before."""
        self._subscribers.subscribe(name, subscriber)

    def subscribe_timed(self, name: str, subscriber: TimedSubscriber) -> None:
        """Do as `subscribe`, and tell `subscriber` when what is delivered was committed."""
        self._subscribers.subscribe_timed(name, subscriber)

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        """Have `update` applied: by this process if it works, else by one that does.

        Without acknowledgements it returns when the broker has taken it.

        Raises:
            Unavailable: nobody could take it, or whoever took it could not apply it for now.
            EventTooLarge: the broker will never take it.
        """
        if self._worker is not None:
            await self._worker(update)
            return
        link = self._connection.link
        letter = await self._letter(
            self._settings.update_subjects[0],
            update,
            lambda json: update_event(json, datetime.now(UTC), uuid4()),
        )
        if not self._settings.acknowledged:
            await self._island.call(partial(link.publish, [letter]))
        elif (answer := await self._island.call(partial(link.request, letter))) == NOT_NOW:
            raise BusUnavailable("whoever applies updates can't do so for now")
        elif answer not in {APPLIED, DROPPED}:  # a stream of JetStream, say, that keeps updates
            raise BusUnavailable("an update was answered by something that does not apply it")
        self._submitted += 1

    def work(self, worker: UpdateWorker) -> None:
        """Take part in applying updates, from now on."""
        self._worker = worker
        self._worker_is_there.set()

    def statistics(self) -> NatsBusStatistics:
        """Return the counts of this moment."""
        announcements, updates = self._announcements, self._updates
        return NatsBusStatistics(
            connected=self.connected,
            connects=self._connection.connects,
            resumed=self._connection.resumed,
            published=self._published,
            too_large=self._too_large,
            subscribers=len(self._subscribers),
            delivered=self._subscribers.delivered,
            failed_deliveries=self._subscribers.failed,
            missed=announcements.refused if announcements else 0,
            waiting=announcements.waiting if announcements else 0,
            waiting_bytes=announcements.waiting_bytes if announcements else 0,
            submitted=self._submitted,
            applied=self._applied,
            postponed=self._postponed + (updates.refused if updates else 0),
            failed_updates=self._failed_updates,
            unreadable=self._reader.unreadable,
            dead_letters=self._reader.put_aside,
            unhandled=self._reader.unhandled,
            unknown=self._reader.unknown,
        )

    async def _letter(
        self, subject: str, event: BusEvent, pack: Callable[[bytes], CloudEvent]
    ) -> Letter:
        json = encode_json(event)
        if len(json) > self._settings.most_json_bytes:
            raise EventTooLarge("the text of an event", len(json), self._settings.most_json_bytes)
        if len(json) < _LARGE_BYTES:
            packed = pack(json)
        else:
            packed = await trio.to_thread.run_sync(pack, json)
        return Letter(subject, encode_headers(packed), packed.data)

    async def _deliver_forever(self, announcements: Intake) -> None:
        while True:
            match await announcements.take():
                case Reconnected() as reconnected:
                    log.info("bus_may_have_missed_events", missed=announcements.refused)
                    if self._following is None:
                        await self._subscribers.deliver(reconnected)
                    else:
                        self._looked_since = self._connection.gaps
                        self._following.look()
                case Message() as message:
                    if not len(self._subscribers):  # an MR alone: nobody here wants to know
                        continue
                    read = await self._reader.read(message, ANNOUNCEMENTS)
                    if read is not None and isinstance(read.event, Published):
                        await self._hear(read.event, read.sequence, read.at)

    async def _hear(self, event: Published, sequence: int, committed_at: float | None) -> None:
        if self._following is None:
            await self._subscribers.deliver(event, committed_at)
        else:
            await self._following.take(sequence, event, committed_at)

    async def _apply_forever(self, updates: Intake) -> None:
        while True:
            arrival = await updates.take()
            if isinstance(arrival, Message):  # what was refused meanwhile has been answered
                answer = await self._apply(arrival)
                if arrival.reply:
                    await self._answer(arrival.reply, answer)

    async def _apply(self, message: Message) -> bytes:
        read = await self._reader.read(message, UPDATES)
        if read is None or self._worker is None:
            return DROPPED
        update = read.event
        if not isinstance(update, StreamedFeatureUpdate):
            return DROPPED
        try:
            await self._worker(update)
        except Unavailable as away:
            self._postponed += 1
            log.warning("update_postponed", reason=str(away), lost=not message.reply)
            return NOT_NOW
        except Exception:
            # A request ends here; whoever sent it may try again.
            self._failed_updates += 1
            log.exception("update_failed", update=repr(update))
            return NOT_NOW
        self._applied += 1
        return APPLIED

    async def _answer(self, reply: str, answer: bytes) -> None:
        try:
            link = self._connection.link
            await self._island.call(partial(link.send, Letter(reply, {}, answer)))
        except Unavailable as away:
            log.debug("update_not_acknowledged", reason=str(away))
