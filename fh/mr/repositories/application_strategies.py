"""The rows of application_strategy: what the values of an application's features can share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import ApplicationId, ApplicationStrategyId, EnvironmentId, PersonId
from fh.mr.archiving import archived_name, shown_name
from fh.mr.errors import AlreadyExists
from fh.mr.rollout_strategy import RolloutStrategy, decode_strategy, encode_strategy


@dataclass(frozen=True, slots=True)
class ApplicationStrategy:
    """A strategy; `strategy` has the name, and the code as its id."""

    id: ApplicationStrategyId
    application_id: ApplicationId
    code: str
    strategy: RolloutStrategy
    version: int
    when_created: datetime
    when_updated: datetime
    author_name: str | None
    author_email: str


@dataclass(frozen=True, slots=True)
class Usage:
    """To how many values of an environment a strategy is attached."""

    strategy_id: ApplicationStrategyId
    environment_id: EnvironmentId
    environment_name: str
    features: int


_FOUND = """
SELECT s.id, s.application_id, s.name, s.code, s.strategy::text, s.version, s.when_created,
       s.when_updated, p.name AS author_name, p.email AS author_email
FROM application_strategy s JOIN person p ON p.id = s.who_changed
"""

_BY_ID = f"{_FOUND} WHERE s.application_id = $1 AND s.id = $2 AND s.when_archived IS NULL"

_MATCHING = """
FROM application_strategy s
WHERE s.application_id = $1 AND ($2::text IS NULL OR strpos(lower(s.name), lower($2)) > 0)
  AND ($3 OR s.when_archived IS NULL)
"""

_COUNT = f"SELECT count(*) {_MATCHING}"

_PAGE = f"""
{_FOUND}
WHERE s.id IN (SELECT s.id {_MATCHING})
ORDER BY CASE WHEN $4 THEN lower(s.name) END DESC, lower(s.name), s.id
LIMIT $5 OFFSET $6
"""

_USAGE = """
SELECT t.strategy_id, e.id, e.name, count(*)
FROM attached_strategy t
JOIN feature_value v ON v.id = t.feature_value_id
JOIN feature f ON f.id = v.feature_id
JOIN environment e ON e.id = v.environment_id
WHERE t.strategy_id = ANY ($1) AND f.when_archived IS NULL AND e.when_archived IS NULL
GROUP BY t.strategy_id, e.id
ORDER BY t.strategy_id, e.when_created, e.id
"""

_CODES = "SELECT code FROM application_strategy WHERE application_id = $1"

_INSERT = """
INSERT INTO application_strategy (application_id, name, code, strategy, who_changed)
VALUES ($1, $2, $3, $4::text::jsonb, $5)
RETURNING id
"""

# Whoever attaches a strategy waits for whoever changes it, and the other way round: else a value
# would be announced with what the strategy no longer says.
_LOCK = """
SELECT id FROM application_strategy
WHERE application_id = $1 AND id = $2 AND when_archived IS NULL
FOR UPDATE
"""

_HOLD = """
SELECT id, version FROM application_strategy
WHERE application_id = $1 AND id = ANY ($2) AND when_archived IS NULL
ORDER BY id
FOR SHARE
"""

_SAVE = """
UPDATE application_strategy
SET name = $2, strategy = $3::text::jsonb, who_changed = $4, when_updated = now(),
    version = version + 1
WHERE id = $1
"""

_ARCHIVE = """
UPDATE application_strategy
SET name = $2, when_archived = $3, when_updated = $3, who_changed = $4, version = version + 1
WHERE id = $1
"""


async def find_strategy(
    tx: Transaction, application_id: ApplicationId, strategy_id: ApplicationStrategyId
) -> ApplicationStrategy | None:
    """Return a live strategy of an application."""
    row = await tx.fetchrow(_BY_ID, application_id, strategy_id)
    return None if row is None else _strategy(row)


async def lock_strategy(
    tx: Transaction, application_id: ApplicationId, strategy_id: ApplicationStrategyId
) -> ApplicationStrategy | None:
    """Return a live strategy; until the transaction ends nobody else changes or attaches it."""
    await tx.fetchrow(_LOCK, application_id, strategy_id)
    return await find_strategy(tx, application_id, strategy_id)


async def hold_strategies(
    tx: Transaction, application_id: ApplicationId, strategy_ids: Sequence[ApplicationStrategyId]
) -> dict[ApplicationStrategyId, int]:
    """Return the versions of those that are live; they stay until the transaction ends."""
    if not strategy_ids:
        return {}
    rows = await tx.fetch(_HOLD, application_id, strategy_ids)
    return {row["id"]: row["version"] for row in rows}


@dataclass(frozen=True, slots=True)
class StrategyPage:
    """Which strategies to list: those with `name_part`, `size` of them from `offset` on."""

    name_part: str | None
    archived: bool
    descending: bool
    size: int
    offset: int


async def find_strategies(
    tx: Transaction, application_id: ApplicationId, page: StrategyPage
) -> tuple[int, Sequence[ApplicationStrategy]]:
    """Return how many match, and the wanted ones by name."""
    matching = (application_id, page.name_part, page.archived)
    total: int = await tx.fetchval(_COUNT, *matching)
    rows = await tx.fetch(_PAGE, *matching, page.descending, page.size, page.offset)
    return total, [_strategy(row) for row in rows]


async def find_usage(
    tx: Transaction, strategy_ids: Sequence[ApplicationStrategyId]
) -> Sequence[Usage]:
    """Return where strategies are attached, by strategy and the age of the environment."""
    return [Usage(*row) for row in await tx.fetch(_USAGE, strategy_ids)]


async def find_codes(tx: Transaction, application_id: ApplicationId) -> frozenset[str]:
    """Return all codes that an application ever gave."""
    return frozenset(row["code"] for row in await tx.fetch(_CODES, application_id))


async def insert_strategy(
    tx: Transaction,
    application_id: ApplicationId,
    code: str,
    strategy: RolloutStrategy,
    author: PersonId,
) -> ApplicationStrategyId:
    """Write a new strategy.

    Raises:
        AlreadyExists: the application has a strategy of that name, whatever its case.
    """
    try:
        created: ApplicationStrategyId = await tx.fetchval(
            _INSERT, application_id, strategy.name, code, encode_strategy(strategy), author
        )
    except UniqueViolation as taken:
        raise AlreadyExists("application strategy", "name") from taken
    return created


async def save_strategy(
    tx: Transaction,
    strategy_id: ApplicationStrategyId,
    strategy: RolloutStrategy,
    author: PersonId,
) -> None:
    """Write a strategy's next version.

    Raises:
        AlreadyExists: another one of the application has that name, whatever its case.
    """
    try:
        await tx.execute(_SAVE, strategy_id, strategy.name, encode_strategy(strategy), author)
    except UniqueViolation as taken:
        raise AlreadyExists("application strategy", "name") from taken


async def archive_strategy(
    tx: Transaction, strategy: ApplicationStrategy, at: datetime, author: PersonId
) -> None:
    """Hide a strategy and free its name."""
    name = archived_name(strategy.strategy.name or "", at)
    await tx.execute(_ARCHIVE, strategy.id, name, at, author)


def _strategy(row: Row) -> ApplicationStrategy:
    return ApplicationStrategy(
        id=row["id"],
        application_id=row["application_id"],
        code=row["code"],
        strategy=decode_strategy(row["strategy"], row["code"], shown_name(row["name"])),
        version=row["version"],
        when_created=row["when_created"],
        when_updated=row["when_updated"],
        author_name=row["author_name"],
        author_email=row["author_email"],
    )
