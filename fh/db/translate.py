"""The driver's exceptions as ours. Whoever catches asyncpg's needs no other module than this."""

from types import TracebackType

from fh.db.driver import (
    ClientConfigurationError,
    Connection,
    InterfaceError,
    InternalClientError,
    PostgresError,
    is_gone,
)
from fh.db.errors import (
    CheckViolation,
    ConstraintViolated,
    DatabaseRefused,
    DatabaseUnavailable,
    ForeignKeyViolation,
    InvalidDatabaseUrl,
    StatementTimedOut,
    TransactionConflict,
    UniqueViolation,
    UnstorableValue,
)
from fh.errors import FeatureHubError

_CONSTRAINTS: dict[str, type[ConstraintViolated]] = {
    "23503": ForeignKeyViolation,
    "23505": UniqueViolation,
    "23514": CheckViolation,
}
_STATES: dict[str, type[FeatureHubError]] = {
    "22001": UnstorableValue,  # too long
    "22003": UnstorableValue,  # out of range
    "22021": UnstorableValue,  # NUL in a text
    "22P05": UnstorableValue,  # NUL in JSON
    "25006": DatabaseUnavailable,  # read-only: a fail-over is under way
    "25P03": StatementTimedOut,  # idle in transaction
    "25P04": StatementTimedOut,  # the whole transaction
    "40001": TransactionConflict,  # serialization failure
    "40P01": TransactionConflict,  # deadlock
    "55P03": StatementTimedOut,  # waiting for a lock
    "57014": StatementTimedOut,  # the statement
    "57P01": DatabaseUnavailable,  # shutting down
    "57P02": DatabaseUnavailable,  # crashed
    "57P03": DatabaseUnavailable,  # starting
    "57P05": DatabaseUnavailable,  # idle session
}
_CLASSES: dict[str, type[FeatureHubError]] = {
    "08": DatabaseUnavailable,  # the connection
    "28": DatabaseRefused,  # user or password
    "3D": DatabaseRefused,  # database name
    "53": DatabaseUnavailable,  # out of connections, memory or disk
    "58": DatabaseUnavailable,  # input and output
}


def translated(error: Exception, *, closed: bool) -> Exception:
    """Return our exception for the driver's, or `error` itself where it is a bug.

    `closed` says whether the connection is gone: the driver's own complaints then mean that.
    """
    match error:
        case PostgresError():
            return _from_server(error)
        case ClientConfigurationError():
            return InvalidDatabaseUrl(f"db.url: {error}")
        case OSError():  # TimeoutError is one of them
            return DatabaseUnavailable(f"the database does not answer: {str(error) or 'timed out'}")
        case InterfaceError() | InternalClientError() if closed:
            return DatabaseUnavailable(f"the connection to the database broke: {error}")
    return error


def _from_server(error: PostgresError) -> Exception:
    state = str(getattr(error, "sqlstate", ""))  # asyncpg sets these two when it makes the error
    message = str(error)
    if constraint := _CONSTRAINTS.get(state):
        return constraint(getattr(error, "constraint_name", None) or "", message)
    kind = _STATES.get(state) or _CLASSES.get(state[:2])
    return kind(message) if kind else error


class Translating:
    """A context in which the driver's exceptions become ours; None: there is no connection yet."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection | None) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            closed = self._connection is None or is_gone(self._connection)
            ours = translated(error, closed=closed)
            if ours is not error:
                raise ours from error
