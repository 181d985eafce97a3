"""TLS on a socket, the server's side."""

import ssl
from contextlib import suppress
from enum import Enum
from typing import Literal, TypeAlias

import trio

from fh.http.lingering import Lingering

Protocol: TypeAlias = Literal["h2", "http/1.1"]


class HandshakeFailed(Exception):
    """The connection can't be used; `fault` says whose doing that was."""

    def __init__(self, fault: "HandshakeFault", detail: str = "") -> None:
        super().__init__(detail)
        self.fault = fault


class HandshakeFault(Enum):
    """Why a handshake failed."""

    PROTOCOL = "protocol"  # no common version or cipher, an unwelcome certificate, or no TLS
    GONE = "gone"  # the client left
    SLOW = "slow"
    CROWDED = "crowded"  # it had to make room for younger ones


class SecureStream(trio.abc.HalfCloseableStream):
    """A stream within TLS; use it after `shake_hands`."""

    def __init__(self, transport: Lingering, context: ssl.SSLContext) -> None:
        self._transport = transport
        self._tls = trio.SSLStream(transport, context, server_side=True)

    async def shake_hands(self) -> Protocol:
        """Agree with the client on keys, and return the protocol within.

        Raises:
            HandshakeFailed: they did not agree.
        """
        try:
            await self._tls.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            cause = error.__cause__
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
                raise HandshakeFailed(HandshakeFault.PROTOCOL, str(cause)) from error
            raise HandshakeFailed(HandshakeFault.GONE) from error
        return "h2" if self._tls.selected_alpn_protocol() == "h2" else "http/1.1"

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what arrives, nothing at the end.

        Raises:
            BrokenResourceError: the client left without a word.
        """
        return bytes(await self._tls.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`.

        Raises:
            BrokenResourceError: the client is gone, or does not read.
        """
        await self._tls.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Return when sending may make progress."""
        await self._tls.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Let nothing more be sent; what arrives can still be read."""
        await self._transport.send_eof()

    async def aclose(self) -> None:
        """Say goodbye, and close the socket when the client has read it, or soon after."""
        with suppress(trio.ClosedResourceError):  # After `send_eof` there is no saying goodbye.
            await self._tls.aclose()
