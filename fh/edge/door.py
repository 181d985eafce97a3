"""The listening socket: last up, first down.

Socket options are set here once, for accepted sockets inherit them.
"""

import errno
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import trio

from fh.edge.settings import EdgeSettings
from fh.errors import FeatureHubError

log = structlog.get_logger()

_BACKLOG = 4096
_ACCEPTED_PER_TURN = 64
"""Mostly answered in the same turn: with 100 µs for each, others wait for 6 ms."""

_PAUSE_SECONDS = 0.1
_KEPT_DESCRIPTORS = 200
"""Left for files, the database and whatever else opens a descriptor."""

_OUT_OF_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class PortTaken(FeatureHubError):
    """Somebody else listens on the port."""


def listen(host: str, port: int, settings: EdgeSettings, *, shared: bool = False) -> socket.socket:
    """Return a listening socket; no host is every address, port 0 lets the system choose.

    Shared, others that are may listen on the port, too: the system deals connections out to them.

    Raises:
        PortTaken: the address is in use.
        OSError: the host is not an address of this machine, or the port not permitted.
    """
    family, both = _family(host)
    with _port_taken(port):
        listener = socket.create_server(
            (host, port),
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=both,
            reuse_port=shared,
        )
    _set_options(listener, settings)
    return listener


def hold(host: str, port: int, settings: EdgeSettings) -> socket.socket:
    """Return a socket that has the port for itself, and listens when its door opens.

    Until then whoever comes is refused, instead of waiting for an answer.

    Raises:
        PortTaken: the address is in use.
        OSError: the host is not an address of this machine, or the port not permitted.
    """
    listener = reserve(host, port)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
    _set_options(listener, settings)
    return listener


def _set_options(listener: socket.socket, settings: EdgeSettings) -> None:
    listener.settimeout(0)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # A client that never reads would otherwise take megabytes of kernel memory.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer_bytes)
    if sys.platform == "linux":
        milliseconds = int(settings.user_timeout_seconds * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket that keeps the port for those who listen on it shared.

    It does not listen itself: it would be dealt connections that nobody accepts. The system gives
    the port to nobody who wants it alone, nor to another who reserves it.

    Raises:
        PortTaken: the address is in use.
        OSError: the host is not an address of this machine, or the port not permitted.
    """
    family, both = _family(host)
    reserved = socket.socket(family)
    try:
        if family == socket.AF_INET6:
            reserved.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both))
        # What is left of an earlier run's connections is no obstacle.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with _port_taken(port):
            reserved.bind((host, port))
        # Shared from now on, but not while it was bound: so it was bound to a port of its own.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except BaseException:
        reserved.close()
        raise
    return reserved


def _family(host: str) -> tuple[socket.AddressFamily, bool]:
    """Return the family to listen in, and whether that takes IPv4, too."""
    both = not host and socket.has_dualstack_ipv6()
    return socket.AF_INET6 if both or ":" in host else socket.AF_INET, both


@contextmanager
def _port_taken(port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is in use: choose another with --port") from error
        raise


def raise_descriptor_limit() -> int:
    """Let this process open as many descriptors as it may; return how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def room_for_connections() -> int:
    """Return how many connections a process like this one has descriptors for."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] - _KEPT_DESCRIPTORS


class Door:
    """Accepts connections, many in a turn, and hands each on as a bare descriptor."""

    def __init__(
        self, listener: socket.socket, adopt: Callable[[int], None], *, descriptors: int
    ) -> None:
        self._listener = listener
        self._adopt = adopt
        self._highest = descriptors - _KEPT_DESCRIPTORS

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Accept until cancelled; the listener stays open, so that nobody is refused meanwhile.

        Raises:
            PortTaken: the listener was only held, and somebody else listens on its port by now.
        """
        with _port_taken(self.port):
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.listen(_BACKLOG)
        task_status.started()
        crowded = False
        while True:
            await trio.lowlevel.wait_readable(self._listener)
            room = self._accept_many()
            if room:
                crowded = False
            else:
                if not crowded:
                    log.warning("descriptors_used_up", limit=self._highest + _KEPT_DESCRIPTORS)
                crowded = True
                # The listener stays readable: without a pause the loop would spin.
                await trio.sleep(_PAUSE_SECONDS)

    def accept_waiting(self) -> None:
        """Accept who has come already: closing the listener would turn them away."""
        for _ in range(_BACKLOG // _ACCEPTED_PER_TURN):
            self._accept_many()

    def close(self) -> None:
        """Stop listening."""
        trio.lowlevel.notify_closing(self._listener)
        self._listener.close()

    def _accept_many(self) -> bool:
        for _ in range(_ACCEPTED_PER_TURN):
            try:
                accepted, _address = self._listener.accept()
            except BlockingIOError:
                return True
            except OSError as error:
                if error.errno in _OUT_OF_ROOM:
                    return False
                # The client was gone before it was accepted; the next one may not be.
                continue
            accepted.settimeout(0)
            descriptor = accepted.detach()
            if descriptor >= self._highest:
                os.close(descriptor)
                return False
            self._adopt(descriptor)
        return True
