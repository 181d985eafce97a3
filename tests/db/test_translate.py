import asyncpg
import pytest

from fh.db.errors import (
    CheckViolation,
    DatabaseRefused,
    DatabaseUnavailable,
    InvalidDatabaseUrl,
    StatementTimedOut,
    TransactionConflict,
    UnstorableValue,
)
from fh.db.translate import translated


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.AdminShutdownError("stopping"), DatabaseUnavailable),
        (asyncpg.CannotConnectNowError("starting"), DatabaseUnavailable),
        (asyncpg.CheckViolationError("rule"), CheckViolation),
        (asyncpg.ClientConfigurationError("what"), InvalidDatabaseUrl),
        (asyncpg.ConnectionDoesNotExistError("lost"), DatabaseUnavailable),
        (asyncpg.DeadlockDetectedError("both"), TransactionConflict),
        (asyncpg.DiskFullError("full"), DatabaseUnavailable),
        (asyncpg.InvalidCatalogNameError("no such"), DatabaseRefused),
        (asyncpg.InvalidPasswordError("wrong"), DatabaseRefused),
        (asyncpg.QueryCanceledError("slow"), StatementTimedOut),
        (asyncpg.StringDataRightTruncationError("long"), UnstorableValue),
        (asyncpg.TooManyConnectionsError("many"), DatabaseUnavailable),
        (ConnectionRefusedError("refused"), DatabaseUnavailable),
        (TimeoutError(), DatabaseUnavailable),
    ],
)
def test_the_drivers_error_becomes_ours(error, kind):
    assert type(translated(error, closed=False)) is kind


def test_the_drivers_complaint_means_a_broken_connection_only_when_it_is_closed():
    error = asyncpg.InterfaceError("cannot do that")
    assert translated(error, closed=False) is error
    assert isinstance(translated(error, closed=True), DatabaseUnavailable)


@pytest.mark.parametrize("error", [asyncpg.UndefinedTableError("no"), ValueError("bug")])
def test_a_bug_stays_what_it_is(error):
    assert translated(error, closed=True) is error
