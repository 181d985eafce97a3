"""Connections that a worker can't serve, handed to its parent with what was read of them.

Each is one message on a socket of its own beside the link (SOCK_SEQPACKET, which keeps messages
apart): a byte for the kind, what was read, and the descriptor. The kernel is the queue, and its
bound: with no room left in it the connection is refused.
"""

import array
import socket
import sys
from enum import IntEnum
from typing import Final

import structlog
import trio

from fh.edge.life import TakeAway

log = structlog.get_logger()

_MOST_BYTES: Final = 256 * 1024
"""More than any connection can have sent before it is handed over: a head, and a read."""

_DESCRIPTOR_BYTES: Final = array.array("i").itemsize
_ANCILLARY_BYTES: Final = socket.CMSG_SPACE(16 * _DESCRIPTOR_BYTES)
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class Kind(IntEnum):
    """Why Edge does not serve a connection."""

    ELSEWHERE = 1  # a request of HTTP/1.1 for somebody else
    OTHER_PROTOCOL = 2  # it begins with TLS or HTTP/2


def open_channel() -> tuple[socket.socket, socket.socket]:
    """Return the parent's end and the worker's."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Giver:
    """The worker's end. Both methods are what an Edge calls a `TakeAway`."""

    def __init__(self, channel: socket.socket) -> None:
        channel.settimeout(0)
        self._channel = channel

    def give_elsewhere(self, taken: socket.socket, data: bytes) -> None:
        """Hand a request for somebody else to the parent, or refuse it."""
        with taken:
            if not self._give(Kind.ELSEWHERE, taken, data):
                try:
                    taken.send(_BUSY)
                except OSError:
                    return  # It left before it was refused.

    def give_other_protocol(self, taken: socket.socket, data: bytes) -> None:
        """Hand a connection that begins with TLS or HTTP/2 to the parent, or close it."""
        with taken:
            self._give(Kind.OTHER_PROTOCOL, taken, data)

    def _give(self, kind: Kind, taken: socket.socket, data: bytes) -> bool:
        descriptors = array.array("i", [taken.fileno()])
        try:
            self._channel.sendmsg(
                [bytes([kind]), data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
            )
        except OSError as error:
            # The parent is too slow, or gone; or too many descriptors are on their way.
            log.debug("connection_not_handed_over", reason=str(error))
            return False
        return True


async def take_over(
    channel: trio.socket.SocketType, take_elsewhere: TakeAway, take_other_protocol: TakeAway
) -> None:
    """Pass on, in the parent, what a worker hands over, until the worker's end is closed."""
    takers = {Kind.ELSEWHERE: take_elsewhere, Kind.OTHER_PROTOCOL: take_other_protocol}
    while True:
        try:
            message, taken = await _receive(channel)
        except ConnectionError:
            return
        if not message:
            return
        if taken is None:
            log.warning("handed_over_connection_lost", hint="out of descriptors?")
            continue
        try:
            takers[Kind(message[0])](taken, message[1:])
        except Exception:
            # A connection ends here: it must not cost the worker its others.
            taken.close()
            log.exception("handed_over_connection_failed")


async def _receive(channel: trio.socket.SocketType) -> tuple[bytes, socket.socket | None]:
    """Return a message and the one socket that came with it; empty is the end."""
    assert sys.platform == "linux"
    message, ancillary, flags, _ = await channel.recvmsg(
        _MOST_BYTES, _ANCILLARY_BYTES, socket.MSG_CMSG_CLOEXEC
    )
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % _DESCRIPTOR_BYTES])
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    if len(sockets) == 1 and not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        return message, sockets[0]
    for each in sockets:
        each.close()
    return message, None
