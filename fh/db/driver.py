"""The part of asyncpg that is used here, with types: asyncpg itself has none.

Everything in this module is for the island's side only.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

import asyncpg
from asyncpg.exceptions._base import (
    ClientConfigurationError,
    InterfaceError,
    InternalClientError,
    PostgresError,
)

from fh.db.port import Row

__all__ = [
    "DRIVER_ERRORS",
    "ClientConfigurationError",
    "Connection",
    "InterfaceError",
    "InternalClientError",
    "Pool",
    "PostgresError",
    "cut",
    "is_gone",
    "make_pool",
    "open_connection",
]

# Whatever using a connection may raise; TimeoutError is an OSError.
DRIVER_ERRORS = (OSError, PostgresError, InterfaceError, InternalClientError)


class ServerVersion(Protocol):
    """`(18, 6, …)`."""

    major: int
    minor: int


class Connection(Protocol):
    """`asyncpg.Connection`."""

    def execute(self, sql: str, *args: object, timeout: float | None = None) -> Awaitable[str]:
        """Run a statement or a script; return the status tag."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> Awaitable[None]:
        """Run a statement for each sequence of arguments."""
        ...

    def fetch(self, sql: str, *args: object) -> Awaitable[Sequence[Row]]:
        """Return all rows."""
        ...

    def fetchrow(self, sql: str, *args: object) -> Awaitable[Row | None]:
        """Return the first row."""
        ...

    def fetchval(self, sql: str, *args: object) -> Awaitable[Any]:
        """Return the first value."""
        ...

    def set_type_codec(
        self,
        name: str,
        *,
        schema: str,
        encoder: Callable[[Any], str],
        decoder: Callable[[str], Any],
        format: str,  # noqa: A002 - asyncpg's name
    ) -> Awaitable[None]:
        """Choose how a type is written and read."""
        ...

    def add_listener(
        self, channel: str, callback: Callable[[object, int, str, object], None]
    ) -> Awaitable[None]:
        """Call back at each NOTIFY on the channel."""
        ...

    def add_termination_listener(self, callback: Callable[[object], None]) -> None:
        """Call back when the connection ends, however it does."""
        ...

    def get_server_version(self) -> ServerVersion:
        """Return what the server said at the start."""
        ...

    def is_closed(self) -> bool:
        """Return whether the connection has ended."""
        ...

    def close(self) -> Awaitable[None]:
        """Say goodbye and end."""
        ...

    def terminate(self) -> None:
        """End at once."""
        ...


class Pool(Protocol):
    """`asyncpg.Pool`."""

    def acquire(self, *, timeout: float | None = None) -> Awaitable[Connection]:
        """Return a connection, a new one if need be."""
        ...

    def release(self, connection: Connection, *, timeout: float | None = None) -> Awaitable[None]:
        """Take the connection back."""
        ...

    def get_size(self) -> int:
        """Return how many connections there are."""
        ...

    def get_idle_size(self) -> int:
        """Return how many of them nobody uses."""
        ...

    def close(self) -> Awaitable[None]:
        """Wait until all connections are back, and close them."""
        ...

    def terminate(self) -> None:
        """Cut all connections."""
        ...


def is_gone(connection: Connection) -> bool:
    """Return whether the connection has ended; one that ended leaves its pool, and objects."""
    try:
        return connection.is_closed()
    except InterfaceError:
        return True


def cut(connection: Connection) -> None:
    """End the connection at once; nothing when it has ended."""
    with contextlib.suppress(InterfaceError):
        connection.terminate()


open_connection: Callable[..., Awaitable[Connection]] = asyncpg.connect
make_pool: Callable[..., Awaitable[Pool]] = asyncpg.create_pool
