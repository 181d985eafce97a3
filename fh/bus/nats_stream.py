"""The stream of JetStream that keeps announcements, and where in it this process is.

The stream listens on the subject of announcements, so whoever knows nothing of it publishes and
subscribes as ever. A process reads it by a consumer of its own, which the server throws away with
the connection; on the next one it goes on behind the last message that it had. Whatever is wrong
with a consumer ends the connection: there is no second way to recover.

Everything here runs on the asyncio island.
"""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Final, TypeAlias
from uuid import uuid4

import msgspec
from msgspec import Struct
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
    StreamInfo,
)
from nats.js.errors import NotFoundError, ServiceUnavailableError
from nats.js.manager import JetStreamManager

from fh.bus.errors import BusUnavailable
from fh.bus.intake import Intake
from fh.bus.message import Letter
from fh.bus.nats_client import Client, message_of
from fh.bus.nats_settings import NatsSettings
from fh.contracts.event_log import UNNUMBERED

MESSAGE_ID_HEADER: Final = "Nats-Msg-Id"
"""What JetStream knows a message by that is published again."""

PUBLISHER_HEADER: Final = "fh-publisher"
"""Says who published, for a stream returns everything to everybody."""

_LAST_HEADER = "Nats-Last-Consumer"
_SILENT_HEARTBEATS = 4
_FORGOTTEN_SECONDS = 30.0  # after which a server throws a consumer away that nobody listens to
_LONGEST_REASON = 200

_Fail: TypeAlias = Callable[[Error], None]


class _Refusal(Struct, frozen=True):
    description: str = ""


class _Kept(Struct, frozen=True):
    """What a stream answers to a message."""

    stream: str = ""
    error: _Refusal | None = None


class AnnouncementStream:
    """What outlives the connections: which stream it was, and the last message taken from it.

    Attributes:
        most_bytes: What the stream takes of one message at most.
    """

    def __init__(self, settings: NatsSettings) -> None:
        assert settings.stream is not None
        self.settings = settings.stream
        self._subject = settings.cache_subject
        self._publisher = uuid4().hex
        self._created: object = None  # when the stream was made, which tells it from a later one
        self._at = 0
        self.most_bytes = 0

    def forget(self) -> None:
        """Have the next reading begin at the end: what was read so far is nobody's any more."""
        self._created = None

    def marked(self, letter: Letter, sequence: int) -> Letter:
        """Return `letter` so that the stream keeps it once, and this process knows it again."""
        headers = {**letter.headers, PUBLISHER_HEADER: self._publisher}
        if sequence != UNNUMBERED:
            # The number alone is not enough: a restored database gives it to another event.
            digest = sha256(letter.data).hexdigest()[:16]
            headers[MESSAGE_ID_HEADER] = f"{sequence}-{digest}"
        return Letter(letter.subject, headers, letter.data)

    def check_kept(self, answer: bytes) -> None:
        """Look at what was answered to a message.

        Raises:
            BusUnavailable: the stream has not kept it.
        """
        try:
            kept = msgspec.json.decode(answer, type=_Kept)
        except (msgspec.MsgspecError, UnicodeError):
            kept = _Kept()
        if kept.error is not None:
            reason = kept.error.description[:_LONGEST_REASON]
            raise BusUnavailable(f"the stream {self.settings.name} refused an event: {reason}")
        if kept.stream != self.settings.name:
            raise BusUnavailable(f"an event was answered by something else than {self._name}")

    async def read(
        self, client: Client, announcements: Intake, fail: _Fail, patience_seconds: float
    ) -> "Reading":
        """Put every announcement into `announcements`, from where the last reading stopped.

        `fail` is told why a reading can't go on.

        Raises:
            BusUnavailable: there is no JetStream, or the stream is of no use.
            nats.errors.Error: the server refused, or did not answer in time.
        """
        manager = JetStreamManager(client, timeout=patience_seconds)
        try:
            info = await self._ensure(manager)
        except ServiceUnavailableError as error:
            raise BusUnavailable(
                "the server offers no JetStream: enable it there, or turn fh.nats.jetstream off"
            ) from error
        state = info.state
        continues = (
            info.created == self._created and state.first_seq - 1 <= self._at <= state.last_seq
        )
        if not continues:
            self._created, self._at = info.created, state.last_seq
        own_limit = info.config.max_msg_size
        self.most_bytes = own_limit if own_limit and own_limit > 0 else client.max_payload
        reading = Reading(self, client, announcements, fail, continues=continues)
        inbox = client.new_inbox()
        await client.subscribe(inbox, cb=reading.arrived)
        await manager.add_consumer(
            self.settings.name,
            ConsumerConfig(
                deliver_subject=inbox,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self._at + 1,
                ack_policy=AckPolicy.NONE,
                max_deliver=1,
                idle_heartbeat=self.settings.heartbeat_seconds,
                inactive_threshold=_FORGOTTEN_SECONDS,
                mem_storage=True,
                num_replicas=1,
            ),
        )
        return reading

    def advance(self, sequence: int) -> bool:
        """Be at `sequence`; return whether it is the next one."""
        follows = sequence == self._at + 1
        self._at = sequence
        return follows

    def is_own(self, message: Msg) -> bool:
        """Return whether this process published `message`."""
        return (message.headers or {}).get(PUBLISHER_HEADER) == self._publisher

    @property
    def _name(self) -> str:
        return f"the stream {self.settings.name}"

    async def _ensure(self, manager: JetStreamManager) -> StreamInfo:
        settings = self.settings
        try:
            info = await manager.stream_info(settings.name)
        except NotFoundError:
            info = await manager.add_stream(
                StreamConfig(
                    name=settings.name,
                    subjects=[self._subject],
                    retention=RetentionPolicy.LIMITS,
                    storage=StorageType.FILE,
                    discard=DiscardPolicy.OLD,
                    max_msgs=settings.messages,
                    max_bytes=settings.kept_bytes,
                    num_replicas=settings.replicas,
                    duplicate_window=settings.duplicate_seconds,
                )
            )
        if info.config.subjects != [self._subject]:
            # With others in between, a hole in its numbers would say nothing.
            raise BusUnavailable(
                f"{self._name} keeps {info.config.subjects}, and not just {self._subject}: "
                "name another one with fh.nats.jetstream.stream"
            )
        if info.config.retention != RetentionPolicy.LIMITS:
            raise BusUnavailable(
                f"{self._name} forgets what was read: its retention has to be `limits`"
            )
        return info


class Reading:
    """One consumer, for as long as the connection lasts.

    Attributes:
        continues: Whether it began right behind the last message of the reading before.
        heartbeat_seconds: The longest that a server is silent.
    """

    def __init__(
        self,
        stream: AnnouncementStream,
        client: Client,
        announcements: Intake,
        fail: _Fail,
        *,
        continues: bool,
    ) -> None:
        self._stream = stream
        self._client = client
        self._announcements = announcements
        self._fail = fail
        self._delivered = 0
        self._heard_at = asyncio.get_running_loop().time()
        self.continues = continues
        self.heartbeat_seconds = stream.settings.heartbeat_seconds

    @property
    def is_silent(self) -> bool:
        """Whether the server has gone without a word for too long."""
        silent_seconds = asyncio.get_running_loop().time() - self._heard_at
        return silent_seconds > _SILENT_HEARTBEATS * self.heartbeat_seconds

    async def arrived(self, message: Msg) -> None:
        """Take what the server sends to the consumer."""
        if self._client.lost.done():  # what is left over belongs to the next reading
            return
        self._heard_at = asyncio.get_running_loop().time()
        try:
            numbers = message.metadata.sequence
        except Error:
            self._take_heartbeat(message)
            return
        if numbers.consumer != self._delivered + 1:
            self._fail(Error("a message of the stream got lost on its way"))
            return
        self._delivered = numbers.consumer
        if not self._stream.advance(numbers.stream):
            self._announcements.put_reconnected()  # the stream itself does not keep it any more
        if not self._stream.is_own(message):
            self._announcements.put(message_of(message))

    def _take_heartbeat(self, message: Msg) -> None:
        last = (message.headers or {}).get(_LAST_HEADER, "")
        if last.isdecimal() and int(last) > self._delivered:
            self._fail(Error("the last message of the stream got lost on its way"))
