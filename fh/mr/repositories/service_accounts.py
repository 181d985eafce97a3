"""The rows of service_account and what they may do in environments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import ApplicationId, EnvironmentId, PersonId, PortfolioId, ServiceAccountId
from fh.model.roles import Role
from fh.mr.archiving import archived_name
from fh.mr.errors import AlreadyExists
from fh.mr.repositories.access import known_roles


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A live service account; its secrets never show in a repr."""

    id: ServiceAccountId
    portfolio_id: PortfolioId
    name: str
    description: str
    server_secret: str
    client_secret: str
    sdk_person_id: PersonId
    version: int

    def __repr__(self) -> str:
        return f"ServiceAccount({self.id}, version={self.version})"


@dataclass(frozen=True, slots=True)
class Permission:
    """What an account may do in one environment."""

    id: UUID
    account_id: ServiceAccountId
    environment_id: EnvironmentId
    application_id: ApplicationId
    roles: frozenset[Role]


_BY_ID = """
SELECT s.id, s.portfolio_id, s.name, s.description, s.api_key_server_side, s.api_key_client_side,
       s.sdk_person_id, s.version
FROM service_account s JOIN portfolio p ON p.id = s.portfolio_id
WHERE s.id = $1 AND s.when_archived IS NULL AND p.when_archived IS NULL
"""

_BY_EITHER_KEY = """
SELECT s.id, s.portfolio_id, s.name, s.description, s.api_key_server_side, s.api_key_client_side,
       s.sdk_person_id, s.version
FROM service_account s JOIN portfolio p ON p.id = s.portfolio_id
WHERE (s.api_key_server_side = $1 OR s.api_key_client_side = $1)
  AND s.when_archived IS NULL AND s.when_unpublished IS NULL AND p.when_archived IS NULL
"""

_LOCK = "SELECT id FROM service_account WHERE id = $1 FOR UPDATE"

# A pattern, as upstream has it; no escape character, so that none can be left dangling.
_SEARCH = """
SELECT id, portfolio_id, name, description, api_key_server_side, api_key_client_side,
       sdk_person_id, version
FROM service_account
WHERE portfolio_id = $1 AND when_archived IS NULL AND ($2::text IS NULL OR name ILIKE $2 ESCAPE '')
ORDER BY lower(name), id
"""

_IN_ENVIRONMENTS = """
SELECT s.id, s.portfolio_id, s.name, s.description, s.api_key_server_side, s.api_key_client_side,
       s.sdk_person_id, s.version
FROM service_account s
WHERE s.when_archived IS NULL
  AND EXISTS (SELECT FROM service_account_permission p
              WHERE p.service_account_id = s.id AND p.environment_id = ANY ($1))
ORDER BY s.id
"""

_PERMISSIONS = """
SELECT p.id, p.service_account_id, p.environment_id, e.application_id, p.roles
FROM service_account_permission p
JOIN environment e ON e.id = p.environment_id
JOIN application a ON a.id = e.application_id
WHERE p.service_account_id = ANY ($1)
  AND e.when_archived IS NULL AND e.when_unpublished IS NULL AND a.when_archived IS NULL
  AND ($2::uuid IS NULL OR e.application_id = $2)
ORDER BY p.service_account_id, e.when_created, e.id
"""

_ENVIRONMENTS_OF_PORTFOLIO = """
SELECT e.id, e.application_id
FROM environment e JOIN application a ON a.id = e.application_id
WHERE e.id = ANY ($2) AND a.portfolio_id = $1
  AND e.when_archived IS NULL AND a.when_archived IS NULL
"""

_INSERT_PERSON = """
INSERT INTO person (email, name, person_type, who_created)
VALUES ($1, $2, 'sdkServiceAccount', $3)
RETURNING id
"""

_INSERT = """
INSERT INTO service_account (id, portfolio_id, name, description, api_key_server_side,
                             api_key_client_side, sdk_person_id, who_created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_UPDATE = """
UPDATE service_account
SET name = $2, description = $3, api_key_server_side = $4, api_key_client_side = $5,
    who_changed = $6, when_updated = now(), version = version + 1
WHERE id = $1
"""

_RENAME_PERSON = """
UPDATE person SET name = $2, when_updated = now(), version = version + 1
WHERE id = $1 AND name IS DISTINCT FROM $2
"""

_SET_PERMISSION = """
INSERT INTO service_account_permission (service_account_id, environment_id, roles)
VALUES ($1, $2, $3)
ON CONFLICT (service_account_id, environment_id) DO UPDATE SET roles = excluded.roles
"""

_REMOVE_PERMISSIONS = """
DELETE FROM service_account_permission
WHERE service_account_id = $1 AND environment_id = ANY ($2)
"""

_ARCHIVE = """
UPDATE service_account
SET name = $2, when_archived = $3, when_updated = $3, who_changed = $4, version = version + 1
WHERE id = $1
"""

_ARCHIVE_PERSON = """
UPDATE person
SET name = $2, when_archived = $3, when_updated = $3, who_changed = $4, version = version + 1
WHERE id = $1
"""

_SDK_PERSON_DOMAIN = "sdk.sa.featurehub.io"


async def find_account(tx: Transaction, account_id: ServiceAccountId) -> ServiceAccount | None:
    """Return a live account of a live portfolio."""
    row = await tx.fetchrow(_BY_ID, account_id)
    return None if row is None else _account(row)


async def find_account_by_secret(tx: Transaction, secret: str) -> ServiceAccount | None:
    """Return the live, published account that either of its two secrets belongs to."""
    row = await tx.fetchrow(_BY_EITHER_KEY, secret)
    return None if row is None else _account(row)


async def lock_account(tx: Transaction, account_id: ServiceAccountId) -> ServiceAccount | None:
    """Return a live account; until the transaction ends nobody else changes it."""
    await tx.fetchrow(_LOCK, account_id)
    return await find_account(tx, account_id)


async def search_accounts(
    tx: Transaction, portfolio_id: PortfolioId, pattern: str | None
) -> Sequence[ServiceAccount]:
    """Return live accounts by name; `pattern` is one of ILIKE and must cover the whole name."""
    return [_account(row) for row in await tx.fetch(_SEARCH, portfolio_id, pattern)]


async def find_accounts_in(
    tx: Transaction, environment_ids: Iterable[EnvironmentId]
) -> Sequence[ServiceAccount]:
    """Return the live accounts with a permission in any of the environments, by identifier."""
    return [_account(row) for row in await tx.fetch(_IN_ENVIRONMENTS, list(environment_ids))]


async def find_permissions(
    tx: Transaction,
    account_ids: Iterable[ServiceAccountId],
    application_id: ApplicationId | None = None,
) -> Sequence[Permission]:
    """Return what accounts may do in live environments, of one application or of all."""
    rows = await tx.fetch(_PERMISSIONS, list(account_ids), application_id)
    return [
        Permission(
            id=row["id"],
            account_id=row["service_account_id"],
            environment_id=row["environment_id"],
            application_id=row["application_id"],
            roles=known_roles(Role, row["roles"]),
        )
        for row in rows
    ]


async def find_environments_of_portfolio(
    tx: Transaction, portfolio_id: PortfolioId, environment_ids: Iterable[EnvironmentId]
) -> Mapping[EnvironmentId, ApplicationId]:
    """Return those of the environments that are live and belong to the portfolio."""
    rows = await tx.fetch(_ENVIRONMENTS_OF_PORTFOLIO, portfolio_id, list(environment_ids))
    return {row["id"]: row["application_id"] for row in rows}


async def insert_account(
    tx: Transaction,
    portfolio_id: PortfolioId,
    name: str,
    description: str,
    secrets: tuple[str, str],
    creator: PersonId,
) -> ServiceAccountId:
    """Write a new account and the person its changes are made by.

    `secrets` are the server's and the client's.

    Raises:
        AlreadyExists: the portfolio has an account of that name.
    """
    account_id = ServiceAccountId(uuid4())
    email = f"{account_id}@{_SDK_PERSON_DOMAIN}"
    person_id = await tx.fetchval(_INSERT_PERSON, email, name, creator)
    try:
        await tx.execute(
            _INSERT, account_id, portfolio_id, name, description, *secrets, person_id, creator
        )
    except UniqueViolation as taken:
        raise AlreadyExists("service account", "name") from taken
    return account_id


async def save_account(tx: Transaction, account: ServiceAccount, author: PersonId) -> None:
    """Write an account's next version.

    Raises:
        AlreadyExists: another account of the portfolio has that name.
    """
    try:
        await tx.execute(
            _UPDATE,
            account.id,
            account.name,
            account.description,
            account.server_secret,
            account.client_secret,
            author,
        )
    except UniqueViolation as taken:
        raise AlreadyExists("service account", "name") from taken
    await tx.execute(_RENAME_PERSON, account.sdk_person_id, account.name)


async def save_permissions(
    tx: Transaction,
    account_id: ServiceAccountId,
    granted: Mapping[EnvironmentId, frozenset[Role]],
    removed: Iterable[EnvironmentId],
) -> None:
    """Set what an account may do in some environments and take it away in others."""
    await tx.executemany(
        _SET_PERMISSION,
        [
            (account_id, environment_id, sorted(granted[environment_id]))
            for environment_id in granted
        ],
    )
    await tx.execute(_REMOVE_PERMISSIONS, account_id, list(removed))


async def archive_account(
    tx: Transaction, account: ServiceAccount, at: datetime, author: PersonId
) -> None:
    """Hide an account and its person, and free its name."""
    name = archived_name(account.name, at)
    await tx.execute(_ARCHIVE, account.id, name, at, author)
    await tx.execute(_ARCHIVE_PERSON, account.sdk_person_id, name, at, author)


def _account(row: Row) -> ServiceAccount:
    return ServiceAccount(*row)
