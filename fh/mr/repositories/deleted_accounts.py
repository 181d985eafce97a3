"""The farewell of service accounts that went together."""

from collections.abc import Iterable, Sequence

from fh.contracts.published import (
    DELETED_VERSION,
    CacheServiceAccount,
    PublishAction,
    PublishServiceAccount,
)
from fh.db.port import Transaction
from fh.model.ids import ServiceAccountId

_LIVE = """
SELECT count(*) FROM service_account WHERE when_archived IS NULL AND when_unpublished IS NULL
"""


async def load_deleted_accounts(
    tx: Transaction, account_ids: Iterable[ServiceAccountId]
) -> Sequence[PublishServiceAccount]:
    """Return the farewell of accounts that this transaction archived; it names no secrets."""
    live: int = await tx.fetchval(_LIVE)
    gone = [
        CacheServiceAccount(
            id=account_id, version=DELETED_VERSION, api_key_client_side="", api_key_server_side=""
        )
        for account_id in account_ids
    ]
    return [PublishServiceAccount(PublishAction.DELETE, account, live) for account in gone]
