"""The connections of one face: bounded in number, and ended together."""

import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog
import trio

from fh.http.conversation import Bearer, Conversation, Offer
from fh.http.lingering import Lingering

log = structlog.get_logger()

Serve: TypeAlias = Callable[[Lingering], Awaitable[None]]


class Conversations:
    """Owns the tasks of a face's connections; `run` is the body of the face's service."""

    def __init__(self, offer: Offer, *, most: int, send_seconds: float) -> None:
        """Have up to `most` connections, each given up when it takes nothing for `send_seconds`."""
        self._offer = offer
        self._most = most
        self._send_seconds = send_seconds
        self._nursery: trio.Nursery | None = None
        self._transports: set[Lingering] = set()
        self._conversations: set[Conversation] = set()
        self._draining = trio.Event()
        self._drained = trio.Event()

    def __len__(self) -> int:
        """Return how many connections are open."""
        return len(self._transports)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled, or until the last request is answered after `drain`."""
        self._draining = trio.Event()
        self._drained = trio.Event()
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await self._draining.wait()
                for conversation in tuple(self._conversations):
                    conversation.drain()
                self._look_if_drained()
                await self._drained.wait()
            finally:
                self._nursery = None
                # Nothing else ends what is being sent.
                for transport in tuple(self._transports):
                    transport.abort()
            nursery.cancel_scope.cancel()

    def drain(self) -> None:
        """Let the requests under way be answered; then `run` returns."""
        self._draining.set()

    def start(self, taken: socket.socket, data: bytes, serve: Serve) -> bool:
        """Serve a connection of which `data` was read already; return False if there is no room."""
        if self._nursery is None or self._draining.is_set() or len(self) >= self._most:
            return False
        transport = Lingering(taken, data, send_seconds=self._send_seconds)
        self._transports.add(transport)
        self._nursery.start_soon(self._serve, transport, serve)
        return True

    async def speak(self, bearer: Bearer) -> None:
        """Speak HTTP on a connection until it is closed."""
        conversation = Conversation(self._offer, bearer)
        self._conversations.add(conversation)
        if self._draining.is_set():
            conversation.drain()
        try:
            await conversation.run()
        finally:
            self._conversations.discard(conversation)

    async def _serve(self, transport: Lingering, serve: Serve) -> None:
        try:
            await serve(transport)
        except Exception:
            # A connection ends here: whatever went wrong on it must not end the others.
            log.exception("connection_failed")
        finally:
            transport.abort()
            self._transports.discard(transport)
            self._look_if_drained()

    def _look_if_drained(self) -> None:
        if self._draining.is_set() and not self._transports:
            self._drained.set()
