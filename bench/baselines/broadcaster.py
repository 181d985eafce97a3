"""The least that Python needs to send one frame to many streams: the measure for the Edge.

One epoll and one plain loop. It knows neither keys nor slow readers: who does not take a frame as
a whole is closed. A stream is in the channel that its path ends with, or in 0. Each message on
stdin (a SEQPACKET socket) is a frame for all channels, with the number in it raised by one step
for each channel. It prints `port N` and serves until stdin ends.
"""

import errno
import os
import select
import socket
from typing import TypeAlias

from bench.load.marker import ENVIRONMENT_STEP, shifted

BACKLOG = 4_096
SEND_BUFFER_BYTES = 16_384
LONGEST_FRAME_BYTES = 131_072
_LONGEST_HEAD_BYTES = 8_192
_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"content-type: text/event-stream\r\n"
    b"cache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n"
    b"\r\n"
)
_ORDERS = 0


def listen() -> socket.socket:
    """Return a listener on a free port of the loopback."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    listener.settimeout(0)
    return listener


Channels: TypeAlias = dict[int, dict[int, socket.socket]]


def serve(listener: socket.socket) -> None:
    """Serve until stdin ends."""
    poller = select.epoll()
    poller.register(_ORDERS, select.EPOLLIN)
    poller.register(listener.fileno(), select.EPOLLIN)
    strangers: dict[int, socket.socket] = {}
    channels: Channels = {}
    channel_of: dict[int, int] = {}
    while True:
        for descriptor, _events in poller.poll():
            if descriptor == _ORDERS:
                frame = os.read(_ORDERS, LONGEST_FRAME_BYTES)
                if not frame:
                    return
                for slow in broadcast(channels, frame):
                    channels[channel_of.pop(slow)].pop(slow).close()
            elif descriptor == listener.fileno():
                accept(listener, poller, strangers)
            elif descriptor in strangers:
                stream = strangers.pop(descriptor)
                channel = answer(stream)
                if channel is None:
                    stream.close()
                else:
                    channel_of[descriptor] = channel
                    channels.setdefault(channel, {})[descriptor] = stream
            elif descriptor in channel_of:  # else: closed in this batch
                streams = channels[channel_of[descriptor]]
                if is_gone(streams[descriptor]):
                    del channel_of[descriptor]
                    streams.pop(descriptor).close()


def broadcast(channels: Channels, frame: bytes) -> list[int]:
    """Send `frame` to every stream, to each channel its own; return who did not take it."""
    size = len(frame)
    slow: list[int] = []
    for channel, streams in channels.items():
        own = shifted(frame, channel * ENVIRONMENT_STEP) if channel else frame
        for descriptor in streams:
            try:
                if os.write(descriptor, own) != size:  # a little quicker than socket.send
                    slow.append(descriptor)
            except OSError:
                slow.append(descriptor)
    return slow


def accept(
    listener: socket.socket, poller: select.epoll, strangers: dict[int, socket.socket]
) -> None:
    """Accept whoever waits."""
    while True:
        try:
            stream, _address = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno == errno.ECONNABORTED:
                continue
            raise
        stream.settimeout(0)
        poller.register(stream.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        strangers[stream.fileno()] = stream


def answer(stranger: socket.socket) -> int | None:
    """Make a stream of a stranger; return its channel, or None without a complete head."""
    try:
        # A bare broadcaster: a head in several pieces is refused.
        head = stranger.recv(_LONGEST_HEAD_BYTES)
        if not head.endswith(b"\r\n\r\n"):
            return None
        stranger.send(_HEAD)
    except OSError:
        return None
    last = head.split(maxsplit=2)[1].rpartition(b"/")[2]
    return int(last) if last.isdigit() else 0


def is_gone(stream: socket.socket) -> bool:
    """Throw away what a stream says; return whether it has gone."""
    try:
        return not stream.recv(_LONGEST_HEAD_BYTES)
    except OSError:
        return True


def main() -> None:
    """Print the port, then serve."""
    with listen() as listener:
        print(f"port {listener.getsockname()[1]}", flush=True)
        serve(listener)


if __name__ == "__main__":
    main()
