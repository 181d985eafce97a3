"""A stream for a client of HTTP/1.0, mostly a proxy: no chunks, and its end is the connection's.

It is a relay with a task, which costs more than a stream of the engine's; proxies can be told to
speak HTTP/1.1 (docs/deployment.md).
"""

from typing import TYPE_CHECKING, Final

import structlog
import trio

from fh.edge.relay import Relay, pieces
from fh.http.resumed import Resumed

if TYPE_CHECKING:
    from fh.edge.life import Life

log = structlog.get_logger()

_LINGER_SECONDS: Final = 2.0


async def serve_unchunked(
    stream: trio.SocketStream, head: bytes, relay: Relay, life: "Life"
) -> None:
    """Serve `relay` on `stream` until one side ends it; then both are closed.

    `head` is the response's.
    """
    resumed = Resumed(stream, b"", send_seconds=life.settings.slow_seconds)
    try:
        try:
            await resumed.send_all(head)
            await _pass_on(relay, resumed)
        finally:
            life.engine.close(relay)
        await _linger(resumed)
    except* trio.BrokenResourceError:
        pass  # The client is gone, or does not read.
    except* Exception:
        # A connection ends here: whatever went wrong on it must not end the others.
        log.exception("stream_failed")
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)


async def _pass_on(relay: Relay, stream: Resumed) -> None:
    """Send events until there are no more, or the client left."""
    with relay.alive:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_wait_gone, stream, nursery.cancel_scope)
            while events := await relay.receive():
                for piece in pieces(events):
                    await stream.send_all(piece)
                    relay.progressed()
            nursery.cancel_scope.cancel()


async def _wait_gone(stream: Resumed, until_gone: trio.CancelScope) -> None:
    await _read_to_end(stream)
    until_gone.cancel()


async def _linger(stream: Resumed) -> None:
    # Closed with unread input, the connection would be reset, and the last event lost.
    with trio.move_on_after(_LINGER_SECONDS):
        await stream.send_eof()
        await _read_to_end(stream)


async def _read_to_end(stream: Resumed) -> None:
    while await stream.receive_some():
        pass
