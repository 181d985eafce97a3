"""The least that Python needs to send one frame to many streams: the measure for the Edge.

One epoll and one plain loop. It knows neither keys, nor environments, nor slow readers: who does
not take a frame as a whole is closed. Each message on stdin (a SEQPACKET socket) is a frame. It
prints `port N` and serves until stdin ends.
"""

import errno
import os
import select
import socket

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


def serve(listener: socket.socket) -> None:
    """Serve until stdin ends."""
    poller = select.epoll()
    poller.register(_ORDERS, select.EPOLLIN)
    poller.register(listener.fileno(), select.EPOLLIN)
    strangers: dict[int, socket.socket] = {}
    streams: dict[int, socket.socket] = {}
    while True:
        for descriptor, _events in poller.poll():
            if descriptor == _ORDERS:
                frame = os.read(_ORDERS, LONGEST_FRAME_BYTES)
                if not frame:
                    return
                broadcast(streams, frame)
            elif descriptor == listener.fileno():
                accept(listener, poller, strangers)
            elif descriptor in strangers:
                answer(descriptor, strangers, streams)
            else:
                hear(descriptor, streams)


def broadcast(streams: dict[int, socket.socket], frame: bytes) -> None:
    """Send `frame` to every stream."""
    size = len(frame)
    slow: list[int] = []
    for descriptor in streams:
        try:
            if os.write(descriptor, frame) != size:  # a little quicker than socket.send
                slow.append(descriptor)
        except OSError:
            slow.append(descriptor)
    for descriptor in slow:
        streams.pop(descriptor).close()


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


def answer(
    descriptor: int, strangers: dict[int, socket.socket], streams: dict[int, socket.socket]
) -> None:
    """Make a stream of a stranger whose request head is complete."""
    stream = strangers.pop(descriptor)
    try:
        # A bare broadcaster: a head in several pieces is refused.
        complete = stream.recv(_LONGEST_HEAD_BYTES).endswith(b"\r\n\r\n")
        if complete:
            stream.send(_HEAD)
    except OSError:
        complete = False
    if complete:
        streams[descriptor] = stream
    else:
        stream.close()


def hear(descriptor: int, streams: dict[int, socket.socket]) -> None:
    """Throw away what a stream says; forget it when it has gone."""
    try:
        gone = not streams[descriptor].recv(_LONGEST_HEAD_BYTES)
    except OSError:
        gone = True
    if gone:
        streams.pop(descriptor).close()


def main() -> None:
    """Print the port, then serve."""
    with listen() as listener:
        print(f"port {listener.getsockname()[1]}", flush=True)
        serve(listener)


if __name__ == "__main__":
    main()
