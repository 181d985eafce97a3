"""Service accounts as the data plane sees them: their secrets, permissions and filters.

Read as in `publishing`; however many accounts there are, each list is one statement.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from fh.contracts.published import (
    DELETED_VERSION,
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    PublishServiceAccount,
)
from fh.db.port import Transaction
from fh.model.ids import ServiceAccountId
from fh.model.roles import Role
from fh.mr.access import with_implied_read
from fh.mr.repositories.access import known_roles

_ACCOUNTS = """
SELECT s.id, s.version, s.api_key_client_side, s.api_key_server_side,
       ARRAY(SELECT l.filter_id FROM feature_filter_account l
             WHERE l.service_account_id = s.id ORDER BY l.filter_id) AS filters,
       (SELECT count(*) FROM service_account other
        WHERE other.when_archived IS NULL AND other.when_unpublished IS NULL) AS live
FROM service_account s JOIN portfolio p ON p.id = s.portfolio_id
WHERE s.id = ANY ($1)
  AND s.when_archived IS NULL AND s.when_unpublished IS NULL AND p.when_archived IS NULL
ORDER BY s.id
"""

_ACCOUNT_BY_KEY = """
SELECT id FROM service_account WHERE api_key_server_side = $1 OR api_key_client_side = $1
"""

_PERMISSIONS = """
SELECT g.service_account_id, g.environment_id, g.roles
FROM service_account_permission g
JOIN environment e ON e.id = g.environment_id
JOIN application a ON a.id = e.application_id
WHERE g.service_account_id = ANY ($1)
  AND e.when_archived IS NULL AND e.when_unpublished IS NULL AND a.when_archived IS NULL
ORDER BY g.environment_id
"""

_LIVE_ACCOUNTS = """
SELECT count(*) FROM service_account WHERE when_archived IS NULL AND when_unpublished IS NULL
"""


async def load_published_account(
    tx: Transaction,
    account_id: ServiceAccountId,
    action: PublishAction = PublishAction.UPDATE,
) -> PublishServiceAccount | None:
    """Return a live, published account, or None."""
    found = await load_published_accounts(tx, [account_id], action)
    return found[0] if found else None


async def load_published_accounts(
    tx: Transaction,
    account_ids: Sequence[ServiceAccountId],
    action: PublishAction = PublishAction.UPDATE,
) -> Sequence[PublishServiceAccount]:
    """Return those of the accounts that are live and published."""
    permissions: dict[ServiceAccountId, list[CacheServiceAccountPermission]] = defaultdict(list)
    for granted in await tx.fetch(_PERMISSIONS, account_ids):
        permissions[granted["service_account_id"]].append(
            CacheServiceAccountPermission(
                environment_id=granted["environment_id"],
                permissions=tuple(sorted(with_implied_read(known_roles(Role, granted["roles"])))),
            )
        )
    return [
        PublishServiceAccount(
            action,
            CacheServiceAccount(
                id=row["id"],
                version=row["version"],
                api_key_client_side=row["api_key_client_side"],
                api_key_server_side=row["api_key_server_side"],
                permissions=tuple(permissions[row["id"]]),
                filters=tuple(row["filters"]),
            ),
            row["live"],
        )
        for row in await tx.fetch(_ACCOUNTS, account_ids)
    ]


async def load_account_by_secret(tx: Transaction, secret: str) -> PublishServiceAccount | None:
    """Return the live, published account that either of its two secrets belongs to."""
    account_id = await tx.fetchval(_ACCOUNT_BY_KEY, secret)
    return None if account_id is None else await load_published_account(tx, account_id)


async def load_deleted_accounts(
    tx: Transaction, account_ids: Iterable[ServiceAccountId]
) -> Sequence[PublishServiceAccount]:
    """Return the farewell of accounts that this transaction archived; it names no secrets."""
    live: int = await tx.fetchval(_LIVE_ACCOUNTS)
    gone = [
        CacheServiceAccount(
            id=account_id, version=DELETED_VERSION, api_key_client_side="", api_key_server_side=""
        )
        for account_id in account_ids
    ]
    return [PublishServiceAccount(PublishAction.DELETE, account, live) for account in gone]
