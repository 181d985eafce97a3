"""One connection: the address, the session's settings, the types, the server's version."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from fh.db.driver import Connection, PostgresError, open_connection
from fh.db.dsn import Dsn
from fh.db.errors import UnsupportedServer
from fh.db.translate import Translating

log = structlog.get_logger()

OLDEST_MAJOR = 15
NEWEST_MAJOR = 18

# The request to cancel a statement overtakes the statement now and then, and is lost. The
# connection is cut then, and without this the server would go on, and hold the locks.
_NOTICE_HANG_UP = "SET client_connection_check_interval = '1s'"


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How long things may take.

    `command_seconds` is the driver's own bound for a server that is there but does not answer;
    it is above `statement_seconds`, which the server keeps.
    """

    connect_seconds: float = 5.0
    statement_seconds: float = 30.0
    idle_in_transaction_seconds: float = 60.0

    @property
    def command_seconds(self) -> float:
        """Seconds after which the driver gives a statement up."""
        return self.statement_seconds + 5.0


async def connect(dsn: Dsn, settings: ConnectionSettings) -> Connection:
    """Open a connection. Runs on the island.

    Raises:
        DatabaseUnavailable: it can't be reached, or is starting.
        DatabaseRefused: user, password or database name are wrong.
        UnsupportedServer: not PostgreSQL 15 to 18.
        InvalidDatabaseUrl: the driver can't use the address.
    """
    with Translating(None):
        connection = await open_connection(
            dsn.url,
            user=dsn.user,
            password=dsn.password,
            timeout=settings.connect_seconds,
            command_timeout=settings.command_seconds,
            server_settings={
                "application_name": "fh",
                "TimeZone": "UTC",
                "jit": "off",  # costs more than it gives for short queries
                # A plan for any arguments, made where many were given, reads whole tables for one.
                "plan_cache_mode": "force_custom_plan",
                "statement_timeout": _milliseconds(settings.statement_seconds),
                "idle_in_transaction_session_timeout": _milliseconds(
                    settings.idle_in_transaction_seconds
                ),
            },
        )
    try:
        _check_version(connection)
        with Translating(connection):
            await _notice_hang_up(connection)
            for name in ("json", "jsonb"):
                await connection.set_type_codec(
                    name, schema="pg_catalog", encoder=_encode, decoder=_decode, format="text"
                )
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _notice_hang_up(connection: Connection) -> None:
    try:
        await connection.execute(_NOTICE_HANG_UP)
    except PostgresError as error:  # a server on a system that can't, as Windows
        log.debug("hang_up_not_noticed", reason=str(error))


def address_of(dsn: Dsn | Callable[[], Dsn]) -> Dsn:
    """Return where the server is now: an embedded one may move when it restarts."""
    return dsn() if callable(dsn) else dsn


def _check_version(connection: Connection) -> None:
    version = connection.get_server_version()
    if not OLDEST_MAJOR <= version.major <= NEWEST_MAJOR:
        raise UnsupportedServer(f"{version.major}.{version.minor}")


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _decode(text: str) -> Any:
    return msgspec.json.decode(text)
