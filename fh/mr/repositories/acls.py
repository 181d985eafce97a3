"""What a group may do, as it is changed: one row for an application or an environment."""

from collections.abc import Iterable, Mapping

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, EnvironmentId, GroupId, PortfolioId
from fh.model.roles import ApplicationRole, Role

_OWN_APPLICATIONS = """
SELECT id FROM application
WHERE portfolio_id = $1 AND id = ANY($2::uuid[]) AND when_archived IS NULL
"""

_OWN_ENVIRONMENTS = """
SELECT environment.id FROM environment JOIN application ON application.id = application_id
WHERE portfolio_id = $1 AND environment.id = ANY($2::uuid[])
  AND environment.when_archived IS NULL AND application.when_archived IS NULL
"""

_SET = """
INSERT INTO acl (group_id, application_id, environment_id, roles) VALUES ($1, $2, $3, $4)
ON CONFLICT (group_id, application_id, environment_id) DO UPDATE SET roles = excluded.roles
"""

_KEEP_APPLICATIONS = """
DELETE FROM acl
WHERE group_id = $1 AND application_id <> ALL($2::uuid[])
  AND ($3::uuid IS NULL OR application_id = $3)
"""

_REMOVE_ENVIRONMENTS = "DELETE FROM acl WHERE group_id = $1 AND environment_id = ANY($2::uuid[])"


async def find_own_applications(
    tx: Transaction, portfolio_id: PortfolioId, ids: Iterable[ApplicationId]
) -> frozenset[ApplicationId]:
    """Return those of the applications that are live and belong to the portfolio."""
    rows = await tx.fetch(_OWN_APPLICATIONS, portfolio_id, list(ids))
    return frozenset(row["id"] for row in rows)


async def find_own_environments(
    tx: Transaction, portfolio_id: PortfolioId, ids: Iterable[EnvironmentId]
) -> frozenset[EnvironmentId]:
    """Return those of the environments that are live and belong to the portfolio."""
    rows = await tx.fetch(_OWN_ENVIRONMENTS, portfolio_id, list(ids))
    return frozenset(row["id"] for row in rows)


async def replace_application_roles(
    tx: Transaction,
    group_id: GroupId,
    roles: Mapping[ApplicationId, frozenset[ApplicationRole]],
    scope: ApplicationId | None = None,
) -> None:
    """Make `roles` all that a group may do in applications, or in that of the scope."""
    await tx.execute(_KEEP_APPLICATIONS, group_id, list(roles), scope)
    await tx.executemany(_SET, [(group_id, one, None, sorted(roles[one])) for one in roles])


async def set_environment_roles(
    tx: Transaction,
    group_id: GroupId,
    roles: Mapping[EnvironmentId, frozenset[Role]],
) -> None:
    """Set what a group may do in some environments; no roles take the row away."""
    await tx.execute(_REMOVE_ENVIRONMENTS, group_id, [one for one in roles if not roles[one]])
    await tx.executemany(
        _SET, [(group_id, None, one, sorted(roles[one])) for one in roles if roles[one]]
    )
