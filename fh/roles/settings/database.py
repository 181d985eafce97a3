"""PostgreSQL: one's own, or the embedded one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fh.config import Fault, Secret, path, secret, setting, text, whole
from fh.db.dsn import Dsn, parse_dsn
from fh.db.errors import InvalidDatabaseUrl


@dataclass(frozen=True)
class DatabaseSettings:
    """What every role with a database can be told."""

    data_directory: Path = setting(
        "fh.data-dir", Path("data"), path, "where the embedded PostgreSQL keeps its data"
    )
    database_url: str = setting(
        "db.url", "", text, "a PostgreSQL 15 to 18 to use instead of the embedded one"
    )
    database_user: str = setting("db.username", "", text, "user of the database at db.url")
    database_password: Secret = setting("db.password", Secret(), secret, "its password")
    connections_least: int = setting(
        "db.minConnections", 3, whole(0, 1000), "database connections kept open"
    )
    connections_most: int = setting(
        "db.maxConnections", 10, whole(1, 1000), "database connections at most"
    )

    def dsn(self) -> Dsn | None:
        """Return where the database is, None for the embedded one.

        Raises:
            InvalidDatabaseUrl: db.url names none.
        """
        return _dsn(self.database_url, self.database_user, self.database_password)


@dataclass(frozen=True)
class ReplicaSettings:
    """What every role that only reads can be told besides."""

    replica_url: str = setting(
        "db-replica.url", "", text, "a replica to read from instead of the database at db.url"
    )
    replica_user: str = setting("db-replica.username", "", text, "user of the replica")
    replica_password: Secret = setting("db-replica.password", Secret(), secret, "its password")
    replica_connections: int = setting(
        "db-replica.maxConnections", 10, whole(1, 1000), "connections to the replica at most"
    )

    def replica_dsn(self) -> Dsn | None:
        """Return where the replica is, None for none.

        Raises:
            InvalidDatabaseUrl: db-replica.url names none.
        """
        return _dsn(self.replica_url, self.replica_user, self.replica_password)


def _dsn(url: str, user: str, password: Secret) -> Dsn | None:
    if not url:
        return None
    return parse_dsn(url, username=user or None, password=password.reveal or None)


def check_database(settings: DatabaseSettings) -> Sequence[Fault]:
    """Return what is wrong with them taken together."""
    faults = []
    if settings.connections_least > settings.connections_most:
        faults.append(Fault("db.minConnections", "is above db.maxConnections"))
    if settings.database_url:
        try:
            settings.dsn()
        except InvalidDatabaseUrl as error:
            faults.append(Fault("db.url", str(error)))
    elif settings.database_user or settings.database_password.reveal:
        faults.append(Fault("db.url", "is missing: db.username and db.password belong to it"))
    return faults


def check_replica(settings: ReplicaSettings) -> Sequence[Fault]:
    """Return what is wrong with them taken together."""
    try:
        settings.replica_dsn()
    except InvalidDatabaseUrl as error:
        return [Fault("db-replica.url", str(error))]
    return []
