"""Server-sent events as one writes them with quart-trio on hypercorn: a task and a channel each.

A stream is in the channel that its path ends with. Each line on stdin is an event as JSON text,
for all channels, with the number in it raised by one step for each channel. Prints `port N`,
serves until stdin ends.
"""

import json
import socket
from collections import defaultdict
from collections.abc import AsyncIterator

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from quart import Response
from quart_trio import QuartTrio

from bench.load.marker import ENVIRONMENT_STEP, shifted

OPEN = b": open\n\n"
"""What a stream begins with."""

_QUEUED_EVENTS = 64
_BACKLOG = 4_096
_READ_BYTES = 65_536
_ORDERS = 0


class Streams:
    """Who listens to which channel."""

    def __init__(self) -> None:
        self._channels: dict[int, set[trio.MemorySendChannel[bytes]]] = defaultdict(set)

    async def events(self, channel: int) -> AsyncIterator[bytes]:
        """Yield what is published in `channel`."""
        send, receive = trio.open_memory_channel[bytes](_QUEUED_EVENTS)
        streams = self._channels[channel]
        streams.add(send)
        try:
            yield OPEN
            async for event in receive:
                yield event
        finally:
            streams.discard(send)

    def publish(self, event: bytes) -> None:
        """Give every stream its channel's own; one that does not keep up misses it."""
        for channel, streams in self._channels.items():
            own = shifted(event, channel * ENVIRONMENT_STEP) if streams else event
            for send in streams:
                try:
                    send.send_nowait(own)
                except trio.WouldBlock:
                    continue


def make_app(streams: Streams) -> QuartTrio:
    """Return the application."""
    app = QuartTrio(__name__)

    @app.get("/streams/<int:channel>")
    async def stream(channel: int) -> Response:
        response = Response(streams.events(channel), content_type="text/event-stream")
        response.headers["cache-control"] = "no-cache"
        response.timeout = None  # else quart ends it after a minute
        return response

    return app


async def obey(streams: Streams) -> None:
    """Publish what stdin orders, until it ends."""
    rest = b""
    orders = trio.lowlevel.FdStream(_ORDERS)
    while data := await orders.receive_some(_READ_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            streams.publish(json.loads(line).encode())


async def main() -> None:
    """Print the port, then serve."""
    streams = Streams()
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        config = Config()
        config.bind = [f"fd://{listener.fileno()}"]
        config.backlog = _BACKLOG
        config.graceful_timeout = 0
        config.errorlog = None
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, make_app(streams), config)
            print(f"port {listener.getsockname()[1]}", flush=True)
            await obey(streams)
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
