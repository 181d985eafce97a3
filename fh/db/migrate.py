"""Migrations: numbered SQL files, applied in order, once, all in one transaction.

Several processes may start at once: the first takes a lock in the database and the others find
everything done. What was applied is remembered with a checksum, so an edited file is noticed.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import structlog

from fh.db.errors import DatabaseTooNew, MigrationChanged, MigrationsMalformed
from fh.db.port import Database, Transaction

log = structlog.get_logger()

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# An arbitrary number that no other program is likely to lock.
_LOCK = "SELECT pg_advisory_xact_lock(7301420926)"
_PATIENCE = "SET LOCAL statement_timeout = 0"  # another starter, or a big table, may take long
_HAS_TABLE = "SELECT to_regclass('schema_migration') IS NOT NULL"
_APPLIED = "SELECT number, name, checksum FROM schema_migration ORDER BY number"
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `checksum` is the SHA-256 of its text with Unix line ends."""

    number: int
    name: str
    sql: str
    checksum: str


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What was done now, by file name, and the number the database is at."""

    applied: tuple[str, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The database is at migration `found`, this program needs all up to `wanted`."""

    found: int
    wanted: int


async def migrate(database: Database, source: Traversable | None = None) -> MigrationReport:
    """Bring the database up to the newest migration in `source` (this package's by default).

    Raises:
        MigrationsMalformed: a file is not named NNNN_name.sql, or two have one number.
        MigrationChanged: a file differs from what was applied, or is gone.
        DatabaseTooNew: the database has migrations this program does not know.
        DatabaseUnavailable: nothing was changed.
    """
    known = load_migrations(source or files("fh.db") / "migrations")

    async def work(tx: Transaction) -> MigrationReport:
        await tx.execute(_PATIENCE)
        await tx.execute(_LOCK)
        await tx.execute(_TABLE)
        pending = find_pending(known, await _applied(tx))
        for migration in pending:
            await tx.execute(migration.sql)
            await tx.execute(
                "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
        return MigrationReport(
            tuple(migration.name for migration in pending),
            known[-1].number if known else 0,
        )

    report = await database.transaction(work)
    log.info("database_migrated", applied=len(report.applied), number=report.number)
    return report


async def find_behind(database: Database, source: Traversable | None = None) -> Behind | None:
    """Return what the database lacks of the migrations in `source`; None when it lacks nothing.

    Raises:
        MigrationsMalformed, MigrationChanged, DatabaseTooNew, DatabaseUnavailable: see `migrate`.
    """
    known = load_migrations(source or files("fh.db") / "migrations")

    async def work(tx: Transaction) -> Mapping[int, tuple[str, str]]:
        return await _applied(tx) if await tx.fetchval(_HAS_TABLE) else {}

    applied = await database.transaction(work, read_only=True)
    if not find_pending(known, applied):
        return None
    return Behind(max(applied, default=0), known[-1].number)


def load_migrations(source: Traversable) -> Sequence[Migration]:
    """Read the .sql files of a directory, in order of their numbers.

    Raises:
        MigrationsMalformed: a file is not named NNNN_name.sql, or two have one number.
    """
    found: dict[int, Migration] = {}
    for file in source.iterdir() if source.is_dir() else ():
        if not file.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise MigrationsMalformed(f"{file.name} is not named like 0001_what_it_does.sql")
        number = int(match[1])
        if number in found:
            raise MigrationsMalformed(f"{file.name} and {found[number].name} have one number")
        sql = file.read_text(encoding="utf-8").replace("\r\n", "\n")
        found[number] = Migration(number, file.name, sql, hashlib.sha256(sql.encode()).hexdigest())
    return [found[number] for number in sorted(found)]


def find_pending(
    known: Sequence[Migration], applied: Mapping[int, tuple[str, str]]
) -> Sequence[Migration]:
    """Return what is still to do, given name and checksum of each number already applied.

    Raises:
        MigrationChanged, DatabaseTooNew: see `migrate`.
    """
    newest = max((migration.number for migration in known), default=0)
    if applied and max(applied) > newest:
        raise DatabaseTooNew(max(applied), newest)
    by_number = {migration.number: migration for migration in known}
    for number, (name, checksum) in applied.items():
        migration = by_number.get(number)
        if migration is None or migration.checksum != checksum:
            raise MigrationChanged(name)
    return [migration for migration in known if migration.number not in applied]


async def _applied(tx: Transaction) -> Mapping[int, tuple[str, str]]:
    rows = await tx.fetch(_APPLIED)
    return {row["number"]: (row["name"], row["checksum"]) for row in rows}
