"""nats-py's client for one connection, with what it gets wrong put right.

Connecting again is not its business here: it would keep for later what was published meanwhile,
and give up for good when a server refuses it. The methods below are private there; a test each
shows that a newer version still calls them.
"""

import asyncio
from typing import Any

from nats.aio.client import PING_PROTO
from nats.aio.client import Client as NatsPyClient
from nats.aio.msg import Msg
from nats.errors import Error

from fh.bus.message import Message
from fh.bus.nats_settings import NatsServer


class TlsMissing(Error):
    """The server does not offer the encryption that its URL asks for."""

    def __str__(self) -> str:
        return "the server offers no TLS"


class Client(NatsPyClient):
    """A client of one server.

    Attributes:
        lost: Done once nothing will be received any more, whatever the reason.
    """

    def __init__(self, server: NatsServer) -> None:
        super().__init__()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._server = server

    def give_up(self) -> None:
        """Take the connection for lost."""
        if not self.lost.done():
            self.lost.set_result(None)

    def abort(self) -> None:
        """Cut the connection at once."""
        self.give_up()
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]  # its class has no types

    async def _read_loop(self) -> None:
        # It also ends without a word: when a message could not be handled, or closing failed.
        try:
            await super()._read_loop()
        finally:
            self.give_up()

    async def _send_ping(self, future: "asyncio.Future[Any] | None" = None) -> None:
        # Behind what was published before, and not past it as there: only then does the answer
        # say that the server has taken it.
        self._pongs.append(asyncio.get_running_loop().create_future() if future is None else future)
        await self._send_command(PING_PROTO)
        await self._flush_pending()

    # What somebody sent must not end the connection of those who receive it, as it would there.

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        try:
            return await super()._process_headers(headers)
        except (ValueError, IndexError):
            return None

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        readable = reply.decode(errors="replace").encode()
        message: Msg = super()._build_message(sid, subject, readable, data, headers)
        return message

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature there
        # Before the credentials are sent. There the server alone decides whether they are
        # encrypted, so whoever stands in between could.
        if initial_connection and self._server.tls and not info.get("tls_required"):
            if not info.get("tls_available"):
                raise TlsMissing
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)


def message_of(message: Msg) -> Message:
    """Return what nats-py received."""
    return Message(message.subject, message.reply, message.headers or {}, message.data)
