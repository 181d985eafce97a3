"""hypercorn's two ways to speak HTTP, without what one request could do to all of a connection."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeAlias

import h11
import trio
from h2.errors import ErrorCodes
from h2.events import DataReceived, PriorityUpdated, RequestReceived
from h2.events import Event as H2Event
from h2.exceptions import FrameTooLargeError, ProtocolError, StreamClosedError
from h2.settings import SettingCodes
from hypercorn.events import Closed, Event
from hypercorn.protocol.events import Request
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol
from hypercorn.protocol.http_stream import HTTPStream

from fh.wire.http_head import MalformedHead, RequestHead, TooManyHeaders, parse_head

_FRAME_HEAD_BYTES = 9

TakeStream: TypeAlias = Callable[[trio.abc.HalfCloseableStream, bytes], Awaitable[None]]
"""Goes on with a stream, of which the bytes were read already: a request's head and more."""

TakeUpgrade: TypeAlias = Callable[[RequestHead, str], TakeStream | None]
"""Decides whether a request that wants another protocol gets it, and from whom; the text is the
client's address, empty if it is not known."""


class HandedOver(Exception):
    """The connection is no longer HTTP; `take` goes on with what was read of it, `data`."""

    def __init__(self, take: TakeStream, data: bytes) -> None:
        super().__init__()
        self.take = take
        self.data = data


class Http1(H11Protocol):
    """HTTP/1.1; a request for another protocol is handed over, or answered as if it had none."""

    take_upgrade: TakeUpgrade | None = None

    async def _check_protocol(self, event: h11.Request) -> None:
        """Look at a request before anything is done with it.

        Raises:
            HandedOver: it leaves HTTP.
        """
        if self.take_upgrade is None or not any(name == b"upgrade" for name, _ in event.headers):
            return
        lines = [b"%b: %b\r\n" % line for line in event.headers.raw_items()]
        head = b"%b %b HTTP/1.1\r\n%b\r\n" % (event.method, event.target, b"".join(lines))
        try:
            take = self.take_upgrade(parse_head(head), self.client[0] if self.client else "")
        except (MalformedHead, TooManyHeaders):
            return  # Refused like any other request of its kind.
        if take is not None:
            raise HandedOver(take, head + self.connection.trailing_data[0])

    async def _create_stream(self, request: h11.Request) -> None:
        # The original takes every upgrade to a WebSocket for one of the application's.
        stream = self.stream = HTTPStream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        self.keep_alive_requests += 1
        await stream.handle(
            Request(
                stream_id=STREAM_ID,
                headers=list(request.headers),
                http_version=request.http_version.decode(),
                method=request.method.decode("ascii").upper(),
                raw_path=request.target,
                state=self.connection_state,
            )
        )


class Http2(H2Protocol):
    """HTTP/2, many requests at a time.

    Attributes:
        is_draining: Whether new requests are refused, in a way that tells clients to try elsewhere.
    """

    is_draining = False

    async def initiate(
        self, headers: list[tuple[bytes, bytes]] | None = None, settings: bytes | None = None
    ) -> None:
        """Send the settings."""
        # Where it is offered, browsers open WebSockets inside of HTTP/2: nobody is there for them.
        self.connection.local_settings.pop(SettingCodes.ENABLE_CONNECT_PROTOCOL)
        await super().initiate(headers, settings)

    async def say_goodbye(self) -> None:
        """Tell the client that no further request will be answered on this connection."""
        self.connection.close_connection()
        await self._flush()

    async def handle(self, event: Event) -> None:
        """Take in what arrived, or that the connection is at its end.

        Raises:
            FrameTooLargeError: a frame is on its way that is larger than was offered.
        """
        if not isinstance(event, Closed):
            await super().handle(event)
            # The original looks at the size of a frame when it has all of it, up to 16 MB.
            begun = self.connection.incoming_buffer._data  # noqa: SLF001  there is no other way
            if len(begun) > self.config.h2_max_inbound_frame_size + _FRAME_HEAD_BYTES:
                raise FrameTooLargeError
            return
        complete = [number for number, buffer in self.stream_buffers.items() if buffer.complete]
        await super().handle(event)
        # Whoever waits for the client to take more would wait for ever.
        for buffer in self.stream_buffers.values():
            await buffer.close()
        # The original forgets to tell the client of answers whose last bytes have just left.
        for number in complete:
            with suppress(ProtocolError):
                self.connection.end_stream(number)

    async def _handle_events(self, events: list[H2Event]) -> None:
        # It iterates, no more: each event is looked at when the ones before have been handled.
        await super()._handle_events(self._sound(events))  # type: ignore[arg-type]

    def _sound(self, events: Iterable[H2Event]) -> Iterator[H2Event]:
        """Yield what the original can deal with; the rest would end the whole connection."""
        for event in events:
            match event:
                case PriorityUpdated():
                    pass  # Deprecated; its tree has few places, and breaks when they are taken.
                case DataReceived(stream_id=stream_id) if stream_id not in self.streams:
                    # Answered before it was read to its end: the client may spare itself the rest.
                    length = event.flow_controlled_length or 0
                    self.connection.acknowledge_received_data(length, stream_id)
                    self._decline(stream_id, ErrorCodes.NO_ERROR)
                case RequestReceived(stream_id=stream_id) if self.is_draining:
                    self._decline(stream_id, ErrorCodes.REFUSED_STREAM)
                case RequestReceived(stream_id=stream_id) if not _is_plain(event):
                    self._decline(stream_id, ErrorCodes.HTTP_1_1_REQUIRED)
                case _:
                    yield event

    def _decline(self, stream_id: int, reason: ErrorCodes) -> None:
        with suppress(StreamClosedError):  # Declined before.
            self.connection.reset_stream(stream_id, reason)


def _is_plain(request: RequestReceived) -> bool:
    fields = dict(request.headers or ())
    path = fields.get(b":path", b"")
    return fields.get(b":method") != b"CONNECT" and path.isascii()
