"""Which sockets are ready.

On Linux one epoll of our own, whose descriptor trio awaits: no task per socket. Elsewhere the
portable poller has a task per socket and the same interface.
"""

import select
import sys
from collections.abc import Callable
from enum import Enum
from typing import Protocol, TypeAlias

import structlog
import trio

log = structlog.get_logger()

_BATCH = 1024
"""Events taken from the kernel before trio gets a turn."""


class Ready(Enum):
    """What a socket is ready for."""

    READ = "read"
    WRITE = "write"
    GONE = "gone"


OnReady: TypeAlias = Callable[[int, Ready], None]


class Poller(Protocol):
    """Watches descriptors; `on_ready` is called between two checkpoints and must not wait."""

    def watch(self, descriptor: int) -> None:
        """Report when there is something to read or the peer is gone, until told otherwise."""

    def watch_writes(self, descriptor: int) -> None:
        """Report, besides, when the socket takes bytes again."""

    def unwatch_writes(self, descriptor: int) -> None:
        """Report readiness to write no longer."""

    def unwatch_reads(self, descriptor: int, *, writes: bool) -> None:
        """Report only that the peer is gone, and what was watched of `writes`; it sends no more."""

    def forget(self, descriptor: int) -> None:
        """Stop watching; call it before the descriptor is closed or handed over."""

    async def run(self, on_ready: OnReady) -> None:
        """Report until cancelled."""

    def close(self) -> None:
        """Give the poller's own descriptor back; `run` has ended."""


class EpollPoller:
    """An epoll inside trio's epoll; create it after a fork."""

    def __init__(self) -> None:
        # Only Linux has it; the portable poller is taken elsewhere.
        assert sys.platform == "linux"
        self._epoll = select.epoll()
        self._reads = select.EPOLLIN | select.EPOLLRDHUP
        self._both = self._reads | select.EPOLLOUT
        self._read_to_end: set[int] = set()

    def watch(self, descriptor: int) -> None:
        """See `Poller`."""
        self._epoll.register(descriptor, self._reads)

    def watch_writes(self, descriptor: int) -> None:
        """See `Poller`."""
        at_end = descriptor in self._read_to_end
        self._epoll.modify(descriptor, select.EPOLLOUT if at_end else self._both)

    def unwatch_writes(self, descriptor: int) -> None:
        """See `Poller`."""
        self._epoll.modify(descriptor, 0 if descriptor in self._read_to_end else self._reads)

    def unwatch_reads(self, descriptor: int, *, writes: bool) -> None:
        """See `Poller`."""
        self._read_to_end.add(descriptor)
        self._epoll.modify(descriptor, select.EPOLLOUT if writes else 0)

    def forget(self, descriptor: int) -> None:
        """See `Poller`."""
        self._read_to_end.discard(descriptor)
        self._epoll.unregister(descriptor)

    async def run(self, on_ready: OnReady) -> None:
        """See `Poller`."""
        assert sys.platform == "linux"
        gone = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP
        poll, descriptor = self._epoll.poll, self._epoll.fileno()
        # Looked up once: an enum's member costs as much as a call.
        read, readable, writable = Ready.READ, select.EPOLLIN, select.EPOLLOUT
        while True:
            await trio.lowlevel.wait_readable(descriptor)
            for ready, events in poll(0, _BATCH):
                if events == readable:
                    on_ready(ready, read)
                    continue
                # A request may arrive together with the end of input: read it first.
                if events & readable:
                    on_ready(ready, read)
                elif events & gone:
                    on_ready(ready, Ready.GONE)
                if events & writable:
                    on_ready(ready, Ready.WRITE)

    def close(self) -> None:
        """See `Poller`."""
        self._epoll.close()


class PortablePoller:
    """A task per socket and direction, for systems without epoll."""

    def __init__(self) -> None:
        self._nursery: trio.Nursery | None = None
        self._on_ready: OnReady | None = None
        self._reading: dict[int, trio.CancelScope] = {}
        self._writing: dict[int, trio.CancelScope] = {}
        self._early: set[int] = set()

    def watch(self, descriptor: int) -> None:
        """See `Poller`."""
        if self._nursery is None:
            self._early.add(descriptor)
            return
        scope = self._reading[descriptor] = trio.CancelScope()
        self._nursery.start_soon(self._report, descriptor, Ready.READ, scope)

    def watch_writes(self, descriptor: int) -> None:
        """See `Poller`."""
        assert self._nursery is not None
        scope = self._writing[descriptor] = trio.CancelScope()
        self._nursery.start_soon(self._report, descriptor, Ready.WRITE, scope)

    def unwatch_writes(self, descriptor: int) -> None:
        """See `Poller`."""
        if scope := self._writing.pop(descriptor, None):
            scope.cancel()

    def unwatch_reads(self, descriptor: int, *, writes: bool) -> None:  # noqa: ARG002  kept apart
        """See `Poller`."""
        if scope := self._reading.pop(descriptor, None):
            scope.cancel()

    def forget(self, descriptor: int) -> None:
        """See `Poller`."""
        self._early.discard(descriptor)
        if scope := self._reading.pop(descriptor, None):
            scope.cancel()
        self.unwatch_writes(descriptor)

    async def run(self, on_ready: OnReady) -> None:
        """See `Poller`."""
        self._on_ready = on_ready
        async with trio.open_nursery() as self._nursery:
            for descriptor in self._early:
                self.watch(descriptor)
            self._early.clear()
            await trio.sleep_forever()

    def close(self) -> None:
        """See `Poller`."""

    async def _report(self, descriptor: int, what: Ready, scope: trio.CancelScope) -> None:
        wait = trio.lowlevel.wait_readable if what is Ready.READ else trio.lowlevel.wait_writable
        assert self._on_ready is not None
        with scope:
            while True:
                await wait(descriptor)
                # The scope may have been cancelled in the turn in which the socket got ready.
                await trio.lowlevel.checkpoint_if_cancelled()
                self._on_ready(descriptor, what)
                if scope.cancel_called:
                    # The socket may be closed by now, and its number another's.
                    return


def new_poller(*, portable: bool) -> Poller:
    """Return the best poller there is; `portable` asks for the one that works everywhere."""
    if sys.platform == "linux" and not portable:
        return EpollPoller()
    log.warning("portable_engine_used", reason="no epoll: a task for each connection")
    return PortablePoller()
