"""A web application on connections that somebody else accepted and began to read.

One request a connection: the next one may be an SDK's, and those belong to Edge, so it has to come
through the door again.
"""

import socket

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.typing import LifespanState
from quart_trio import QuartTrio

from fh.http.conversation import Bearer, Offer, Terms
from fh.http.conversations import Conversations
from fh.http.lingering import Lingering

_MOST_CONNECTIONS = 1000
_SEND_SECONDS = 60.0
_TERMS = Terms(requests=1)
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class WebFace:
    """Serves `app`, from its start to its end; a service. `take` gives it a connection.

    Where nobody else is on its port, `terms` may allow more than one request a connection.
    """

    def __init__(
        self,
        app: QuartTrio,
        *,
        terms: Terms = _TERMS,
        most_connections: int = _MOST_CONNECTIONS,
    ) -> None:
        self._app = app
        self._conversations = Conversations(
            Offer(app, terms), most=most_connections, send_seconds=_SEND_SECONDS
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled, or until the last request is answered after `drain`."""
        config = Config()
        config.errorlog = None
        lifespan = Lifespan(ASGIWrapper(self._app), config, LifespanState())
        async with trio.open_nursery() as nursery:
            await nursery.start(lifespan.handle_lifespan)
            await lifespan.wait_for_startup()
            await self._conversations.run(task_status=task_status)
            await lifespan.wait_for_shutdown()
            nursery.cancel_scope.cancel()

    def drain(self) -> None:
        """Let the requests under way be answered; then `run` returns."""
        self._conversations.drain()

    def take(self, taken: socket.socket, data: bytes) -> None:
        """Serve one request on a connection of which `data` was read already."""
        if not self._conversations.start(taken, data, self._serve):
            _refuse(taken)

    async def _serve(self, transport: Lingering) -> None:
        await self._conversations.speak(Bearer(transport, transport))


def _refuse(taken: socket.socket) -> None:
    with taken:
        try:
            taken.send(_BUSY)
        except OSError:
            return  # It left before it was refused.
