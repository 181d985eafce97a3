"""A web application on connections that somebody else accepted and began to read.

hypercorn speaks HTTP on them. One request a connection: the next one may be an SDK's, and those
belong to Edge, so it has to come through the door again.
"""

import socket

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState, LifespanState
from quart_trio import QuartTrio

log = structlog.get_logger()

_MOST_CONNECTIONS = 1000
_SEND_SECONDS = 60.0
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class WebFace:
    """Serves `app`; a service. `take` gives it a connection."""

    def __init__(self, app: QuartTrio, *, most_connections: int = _MOST_CONNECTIONS) -> None:
        self._app: AppWrapper = ASGIWrapper(app)
        self._config = Config()
        self._config.keep_alive_max_requests = 0
        self._config.include_server_header = False
        self._config.accesslog = None
        self._config.errorlog = None
        self._config.read_timeout = 60
        self._most_connections = most_connections
        self._open = 0
        self._nursery: trio.Nursery | None = None
        self._context = WorkerContext(None)
        self._drained = trio.Event()
        self._draining = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled, or until the last request is answered after `drain`."""
        self._draining = False
        self._drained = trio.Event()
        self._context = WorkerContext(None)
        lifespan = Lifespan(self._app, self._config, LifespanState())
        async with trio.open_nursery() as lifespan_nursery:
            await lifespan_nursery.start(lifespan.handle_lifespan)
            await lifespan.wait_for_startup()
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                task_status.started()
                try:
                    await self._drained.wait()
                finally:
                    self._nursery = None
                nursery.cancel_scope.cancel()
            await lifespan.wait_for_shutdown()
            lifespan_nursery.cancel_scope.cancel()

    def drain(self) -> None:
        """Let the requests under way be answered; then `run` returns."""
        self._draining = True
        self._look_if_drained()

    def take(self, taken: socket.socket, data: bytes) -> None:
        """Serve one request on a connection of which `data` was read already."""
        if self._nursery is None or self._draining or self._open >= self._most_connections:
            _refuse(taken)
            return
        self._open += 1
        self._nursery.start_soon(self._serve, taken, data)

    async def _serve(self, taken: socket.socket, data: bytes) -> None:
        stream = _Resumed(trio.SocketStream(trio.socket.from_stdlib_socket(taken)), data)
        try:
            await TCPServer(
                self._app,
                self._config,
                self._context,
                ConnectionState(LifespanState()),
                stream,  # type: ignore[arg-type]  # it names the TLS stream, but takes any
            ).run()
        except Exception:
            # A connection ends here: whatever went wrong on it must not end the others.
            log.exception("connection_failed")
        finally:
            self._open -= 1
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)
            self._look_if_drained()

    def _look_if_drained(self) -> None:
        if self._draining and not self._open:
            self._drained.set()


class _Resumed(trio.abc.HalfCloseableStream):
    """A socket's stream that first yields what was read before, and never sends for ever."""

    def __init__(self, stream: trio.SocketStream, data: bytes) -> None:
        self.socket = stream.socket
        self._stream = stream
        self._data = data

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what was read before, then what arrives."""
        if self._data:
            data, self._data = self._data, b""
            await trio.lowlevel.checkpoint()
            return data
        return bytes(await self._stream.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, giving the client up when it does not read for a minute.

        Raises:
            BrokenResourceError: it did not, or it is gone.
        """
        with trio.move_on_after(_SEND_SECONDS):
            await self._stream.send_all(data)
            return
        raise trio.BrokenResourceError("the client does not read")

    async def wait_send_all_might_not_block(self) -> None:
        """Return when sending may make progress."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Tell the client that nothing more will come."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the socket."""
        await self._stream.aclose()


def _refuse(taken: socket.socket) -> None:
    with taken:
        try:
            taken.send(_BUSY)
        except OSError:
            return  # It left before it was refused.
