"""What `fh.mr.access` decides on: callers, and what their groups were given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from fh.db.port import Row, Transaction
from fh.model.ids import ApplicationId, EnvironmentId, GroupId, PersonId, PortfolioId
from fh.model.roles import ApplicationRole, Role
from fh.mr.access import ApplicationRights, Caller, PersonType, PortfolioRights
from fh.mr.settings import SessionLimits

_RoleT = TypeVar("_RoleT", bound=StrEnum)

_SESSION = """
SELECT person.id, person.person_type, person.password_requires_reset,
       login_session.last_seen < now() - interval '1 minute' AS stale
FROM login_session JOIN person ON person.id = login_session.person_id
WHERE login_session.token_hash = $1 AND person.when_archived IS NULL
  AND (person.person_type <> 'person' OR NOT session_is_over(login_session, $2, $3))
"""

_SEEN = "UPDATE login_session SET last_seen = now() WHERE token_hash = $1"

_GROUPS = """
SELECT person_group.id, person_group.admin, person_group.portfolio_id
FROM group_member JOIN person_group ON person_group.id = group_member.group_id
WHERE group_member.person_id = $1 AND person_group.when_archived IS NULL
"""

_APPLICATION = "SELECT id, portfolio_id FROM application WHERE id = $1 AND when_archived IS NULL"

_APPLICATION_OF_ENVIRONMENT = """
SELECT application.id, application.portfolio_id
FROM environment JOIN application ON application.id = environment.application_id
WHERE environment.id = $1 AND environment.when_archived IS NULL
  AND application.when_archived IS NULL
"""

# Two questions, each with an index of its own: as one with OR it reads all that a group was given.
_ENTRIES = """
SELECT NULL::uuid AS environment_id, roles
FROM acl
WHERE application_id = $1 AND group_id = ANY ($2)
UNION ALL
SELECT acl.environment_id, acl.roles
FROM environment JOIN acl ON acl.environment_id = environment.id
WHERE environment.application_id = $1 AND environment.when_archived IS NULL
  AND acl.group_id = ANY ($2)
"""

_ENVIRONMENT_ENTRIES = """
SELECT acl.environment_id, acl.roles
FROM application
JOIN environment
    ON environment.application_id = application.id AND environment.when_archived IS NULL
JOIN acl ON acl.environment_id = environment.id
WHERE application.id = ANY ($1) AND application.when_archived IS NULL AND acl.group_id = ANY ($2)
"""

_LIVE_PORTFOLIO = "SELECT id FROM portfolio WHERE id = $1 AND when_archived IS NULL"

_ENTRIES_OF_PORTFOLIO = """
SELECT application.id, true AS is_application, acl.roles
FROM application JOIN acl ON acl.application_id = application.id
WHERE application.portfolio_id = $1 AND application.when_archived IS NULL
  AND acl.group_id = ANY ($2)
UNION ALL
SELECT application.id, false AS is_application, acl.roles
FROM application
JOIN environment
    ON environment.application_id = application.id AND environment.when_archived IS NULL
JOIN acl ON acl.environment_id = environment.id
WHERE application.portfolio_id = $1 AND application.when_archived IS NULL
  AND acl.group_id = ANY ($2)
"""


@dataclass(frozen=True, slots=True)
class SessionOwner:
    """Who presented a token."""

    caller: Caller
    password_requires_reset: bool


async def find_session_owner(
    tx: Transaction, token_hash: bytes, limits: SessionLimits
) -> SessionOwner | None:
    """Return who a token belongs to, and note that they were seen, once a minute at most."""
    row = await tx.fetchrow(_SESSION, token_hash, limits.idle_seconds, limits.lifetime_seconds)
    if row is None:
        return None
    if row["stale"]:
        await tx.execute(_SEEN, token_hash)
    caller = await load_caller(tx, PersonId(row["id"]), PersonType(row["person_type"]))
    return SessionOwner(caller, row["password_requires_reset"])


async def load_caller(tx: Transaction, person_id: PersonId, person_type: PersonType) -> Caller:
    """Return a person as a caller, with the live groups they are in."""
    groups = await tx.fetch(_GROUPS, person_id)
    return Caller(
        person_id=person_id,
        person_type=person_type,
        superuser=any(row["admin"] and row["portfolio_id"] is None for row in groups),
        groups=frozenset(GroupId(row["id"]) for row in groups),
        administered=_portfolios(row for row in groups if row["admin"]),
        member_of=_portfolios(groups),
    )


async def find_application_rights(
    tx: Transaction, caller: Caller, application_id: ApplicationId
) -> ApplicationRights | None:
    """Return what `caller` was given in a live application."""
    return await _rights(tx, caller, await tx.fetchrow(_APPLICATION, application_id))


async def find_environment_rights(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId
) -> ApplicationRights | None:
    """Return what `caller` was given in the application of a live environment."""
    return await _rights(tx, caller, await tx.fetchrow(_APPLICATION_OF_ENVIRONMENT, environment_id))


async def find_environment_roles(
    tx: Transaction, caller: Caller, application_ids: Iterable[ApplicationId]
) -> Mapping[EnvironmentId, frozenset[Role]]:
    """Return the roles that `caller` was given in the live environments of applications."""
    rows = await tx.fetch(_ENVIRONMENT_ENTRIES, list(application_ids), list(caller.groups))
    return _environment_roles(rows)


async def find_portfolio_rights(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId
) -> PortfolioRights | None:
    """Return what `caller` was given in the applications of a live portfolio."""
    if await tx.fetchval(_LIVE_PORTFOLIO, portfolio_id) is None:
        return None
    entries = await tx.fetch(_ENTRIES_OF_PORTFOLIO, portfolio_id, list(caller.groups))
    of_applications = [entry for entry in entries if entry["is_application"]]
    names = {name for entry in of_applications for name in entry["roles"]}
    return PortfolioRights(
        portfolio_id=portfolio_id,
        has_application_entry=bool(of_applications),
        application_roles=known_roles(ApplicationRole, names),
        readable=frozenset(
            ApplicationId(entry["id"])
            for entry in entries
            if entry["is_application"] or known_roles(Role, entry["roles"])
        ),
    )


async def _rights(tx: Transaction, caller: Caller, row: Row | None) -> ApplicationRights | None:
    if row is None:
        return None
    entries = await tx.fetch(_ENTRIES, row["id"], list(caller.groups))
    of_application = [entry for entry in entries if entry["environment_id"] is None]
    names = {name for entry in of_application for name in entry["roles"]}
    return ApplicationRights(
        application_id=ApplicationId(row["id"]),
        portfolio_id=PortfolioId(row["portfolio_id"]),
        has_application_entry=bool(of_application),
        application_roles=known_roles(ApplicationRole, names),
        environment_roles=_environment_roles(
            entry for entry in entries if entry["environment_id"] is not None
        ),
    )


def _environment_roles(entries: Iterable[Row]) -> Mapping[EnvironmentId, frozenset[Role]]:
    found: dict[EnvironmentId, frozenset[Role]] = {}
    for entry in entries:
        environment_id = EnvironmentId(entry["environment_id"])
        roles = known_roles(Role, entry["roles"])
        found[environment_id] = found.get(environment_id, frozenset()) | roles
    return found


def known_roles(kind: type[_RoleT], names: Iterable[str]) -> frozenset[_RoleT]:
    """Return the roles that `names` stand for; names of other versions of fh are ignored."""
    return frozenset(kind(name) for name in names if name in kind.__members__)


def _portfolios(groups: Iterable[Row]) -> frozenset[PortfolioId]:
    return frozenset(
        PortfolioId(row["portfolio_id"]) for row in groups if row["portfolio_id"] is not None
    )
