"""One connection to one NATS server, from its first byte to its loss.

Everything here runs on the asyncio island; trio calls it over there. A link that failed once is
finished: whoever holds it opens another one.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

import structlog
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError, SlowConsumerError

from fh.aio import Island
from fh.bus.errors import BusUnavailable, EventTooLarge
from fh.bus.intake import Intake
from fh.bus.message import Letter
from fh.bus.nats_client import Client, message_of
from fh.bus.nats_settings import NatsServer, NatsSettings
from fh.bus.nats_stream import AnnouncementStream, Reading

log = structlog.get_logger()

T = TypeVar("T")

_Arrived: TypeAlias = Callable[[Msg], Awaitable[None]]

APPLIED = b"+ACK"
DROPPED = b"+TERM"
NOT_NOW = b"-NAK"

_CLIENT_ERRORS = (Error, OSError, RuntimeError)  # the last from uvloop, when it is closed already
_NAME = "fh"
_CLOSE_SECONDS = 0.5  # what waits to be sent then, nobody waits for
_LONGEST_REASON = 200
_FORBIDDEN = re.compile(r'permissions violation for (publish|subscription) to "([^"]*)"')


class Link:
    """A connection that listens; made by `open_link`."""

    def __init__(
        self,
        island: Island,
        server: NatsServer,
        settings: NatsSettings,
        announcements: Intake,
        stream: AnnouncementStream | None,
    ) -> None:
        self.server = server
        self._settings = settings
        self._announcements = announcements
        self._stream = stream
        self._reading: Reading | None = None
        self._client = Client(server)
        self._flush_under_way: asyncio.Task[None] | None = None
        self._flush_to_come: asyncio.Task[None] | None = None
        self._forbidden: set[tuple[str, str]] = set()
        self._trouble: Exception | None = None
        self._works = False
        # Everything is cancelled at once: then the island may stop before close() is called.
        self._stay = island.at_stop(self._client.abort)

    @property
    def most_bytes(self) -> int:
        """What the server takes at most of one message, headers included."""
        return self._client.max_payload

    @property
    def continues(self) -> bool:
        """Whether nothing that was announced since the last link is missing on this one."""
        return self._reading is not None and self._reading.continues

    async def open(self) -> None:
        """Connect and listen.

        Raises:
            BusUnavailable: the server is not there, or does not let us in.
        """
        server, patience_seconds = self.server, self._settings.connect_seconds
        try:
            async with asyncio.timeout(2 * patience_seconds):  # nats-py tries twice
                await self._client.connect(
                    [f"nats://{server.address}"],
                    name=_NAME,
                    no_echo=True,
                    error_cb=self._note,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=patience_seconds,  # type: ignore[arg-type]  # or any number
                    flush_timeout=self._settings.taken_seconds,
                    user=server.user or None,
                    password=server.password.reveal if server.user else None,
                    token=server.token.reveal or None,
                )
        except _CLIENT_ERRORS as error:
            raise BusUnavailable(self._reason(self._trouble or error)) from error
        if self._stream is None:
            await self._subscribe([self._settings.cache_subject], "", self._announced)
        else:
            self._reading = await self._read(self._stream)

    async def take_updates(self, updates: Intake) -> None:
        """Put into `updates` what SDKs want changed, as one of those that share this work; once.

        Raises:
            BusUnavailable: the link is lost, or the server does not allow it.
        """
        if self._works:
            return
        self._works = True

        async def arrived(message: Msg) -> None:
            if not updates.put(message_of(message)) and message.reply:
                await self.send(Letter(message.reply, {}, NOT_NOW))

        await self._subscribe(self._settings.update_subjects, self._settings.update_queue, arrived)

    async def announce(self, letter: Letter, copies: Sequence[Letter]) -> None:
        """Send `letter` and its `copies`; return when the server, or the stream, has taken them.

        Raises:
            BusUnavailable: the link is lost, too slow, or the server does not allow it.
            EventTooLarge: it was not sent.
        """
        if self._stream is None:
            await self.publish([letter, *copies])
            return
        self._check_size(letter, self._stream.most_bytes)
        try:
            answer = await self._ask(letter, self._settings.taken_seconds)
        except NoRespondersError as error:
            raise BusUnavailable(f"no stream keeps {letter.subject} for now") from error
        except BusUnavailable:
            self._check_allowed("publish", letter.subject)
            raise
        self._stream.check_kept(answer)
        if copies:
            await self.publish(copies)

    async def publish(self, letters: Sequence[Letter]) -> None:
        """Send `letters`; return when the server has taken them.

        Raises:
            BusUnavailable: the link is lost, too slow, or the server does not allow it.
            EventTooLarge: nothing was sent.
        """
        for letter in letters:
            self._check_size(letter)
            self._forbidden.discard(("publish", letter.subject.lower()))
        for letter in letters:
            await self.send(letter)
        await self.confirm()
        for letter in letters:
            self._check_allowed("publish", letter.subject)

    async def request(self, letter: Letter) -> bytes:
        """Send `letter`; return what the one who got it answers.

        Raises:
            BusUnavailable: the link is lost, or nobody answers in time.
            EventTooLarge: nothing was sent.
        """
        self._check_size(letter)
        try:
            return await self._ask(letter, self._settings.applied_seconds)
        except NoRespondersError as error:
            raise BusUnavailable("nobody applies updates") from error

    async def send(self, letter: Letter) -> None:
        """Send `letter`, without waiting for the server.

        Raises:
            BusUnavailable: the link is lost.
        """
        try:
            await self._client.publish(
                letter.subject, letter.data, headers=dict(letter.headers) or None
            )
        except _CLIENT_ERRORS as error:
            raise BusUnavailable(self._reason(error)) from error

    async def confirm(self) -> None:
        """Return when the server has taken what was sent before; many share one round trip.

        Raises:
            BusUnavailable: the link is lost, or the server did not answer in time.
        """
        if self._flush_to_come is None:
            self._flush_to_come = asyncio.create_task(self._flush(self._flush_under_way))
        # Not to be cancelled with those who wait: nats-py breaks when nobody waits for an answer.
        await self._unless_lost(self._flush_to_come)
        if self._client.lost.done():
            raise BusUnavailable(self._reason())

    async def wait_lost(self) -> str:
        """Return the reason once the link is lost."""
        pause_seconds = self._settings.ping_seconds
        if self._reading is not None:
            pause_seconds = min(pause_seconds, self._reading.heartbeat_seconds)
        while True:
            await asyncio.wait((self._client.lost,), timeout=pause_seconds)
            if self._client.lost.done():
                return self._reason()
            if self._reading is not None and self._reading.is_silent:
                return f"{self.server.address}: the stream does not say a word"
            try:
                await self.confirm()
            except BusUnavailable as error:
                return str(error)

    async def close(self) -> None:
        """Say goodbye and disconnect."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._client.close()
        except _CLIENT_ERRORS as error:
            log.debug("nats_connection_cut", reason=str(error))
        finally:
            self._client.abort()
            self._stay()

    async def _subscribe(self, subjects: Sequence[str], queue: str, arrived: _Arrived) -> None:
        try:
            for subject in subjects:
                await self._client.subscribe(subject, queue=queue, cb=arrived)
        except _CLIENT_ERRORS as error:
            raise BusUnavailable(self._reason(error)) from error
        await self.confirm()
        for subject in subjects:
            self._check_allowed("subscription", subject)

    async def _read(self, stream: AnnouncementStream) -> Reading:
        def fail(error: Error) -> None:
            self._trouble = error
            self._client.give_up()

        try:
            return await stream.read(
                self._client, self._announcements, fail, self._settings.connect_seconds
            )
        except _CLIENT_ERRORS as error:
            raise BusUnavailable(self._reason(error)) from error

    async def _ask(self, letter: Letter, seconds: float) -> bytes:
        """Send `letter`; return the first answer. That nobody is there, it does not translate."""
        self._forbidden.discard(("publish", letter.subject.lower()))
        request = asyncio.create_task(
            self._client.request(
                letter.subject, letter.data, timeout=seconds, headers=dict(letter.headers)
            )
        )
        try:
            answer = await self._unless_lost(request)
        except NoRespondersError:
            raise
        except _CLIENT_ERRORS as error:
            raise BusUnavailable(self._reason(error)) from error
        finally:
            request.cancel()
        return answer.data

    async def _announced(self, message: Msg) -> None:
        self._announcements.put(message_of(message))

    async def _note(self, error: Exception) -> None:
        """Take what nats-py reports besides; the last before the loss is its reason."""
        self._trouble = error
        if isinstance(error, SlowConsumerError):
            self._announcements.overflow()
        if found := _FORBIDDEN.search(str(error)):
            self._forbidden.add((found[1], found[2]))
        log.debug("nats_trouble", server=self.server.address, reason=self._reason(error))

    async def _flush(self, previous: "asyncio.Task[None] | None") -> None:
        if previous is not None:
            await asyncio.wait((previous,))
        self._flush_under_way, self._flush_to_come = self._flush_to_come, None
        try:
            await self._client.flush(self._settings.taken_seconds)  # type: ignore[arg-type]
        except _CLIENT_ERRORS as error:
            self._trouble = error
            self._client.give_up()

    async def _unless_lost(self, task: "asyncio.Task[T]") -> T:
        await asyncio.wait((task, self._client.lost), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise BusUnavailable(self._reason())

    def _check_size(self, letter: Letter, most_bytes: int | None = None) -> None:
        most = self.most_bytes if most_bytes is None else min(most_bytes, self.most_bytes)
        if letter.size_bytes > most:
            raise EventTooLarge(f"a message to {letter.subject}", letter.size_bytes, most)

    def _check_allowed(self, what: str, subject: str) -> None:
        if (what, subject.lower()) in self._forbidden:
            raise BusUnavailable(f"the server does not allow {what} to {subject}")

    def _reason(self, error: Exception | None = None) -> str:
        known = error or self._client.last_error or self._trouble
        text = "the connection was lost" if known is None else str(known) or repr(known)
        return f"{self.server.address}: {text[:_LONGEST_REASON]}"


async def open_link(
    island: Island,
    server: NatsServer,
    settings: NatsSettings,
    announcements: Intake,
    stream: AnnouncementStream | None,
) -> Link:
    """Return a link to `server` that puts every announcement into `announcements`.

    They come from `stream` where there is one, from where the last link to it stopped.

    Raises:
        BusUnavailable: the server is not there, or does not let us in.
    """
    link = Link(island, server, settings, announcements, stream)
    try:
        await link.open()
    except BaseException:
        await link.close()
        raise
    return link
