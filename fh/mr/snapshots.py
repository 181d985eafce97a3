"""What Dacha asks for when it knows nothing: the truth, straight from the database.

Source: section 10.5 of the admin contract; what is archived is not found.
"""

from msgspec import structs

from fh.contracts.published import CacheServiceAccount, PublishAction, PublishEnvironment
from fh.db.port import Database, Transaction
from fh.model.ids import EnvironmentId
from fh.mr.api_keys import may_be_secret
from fh.mr.repositories.published_accounts import load_account_by_secret
from fh.mr.repositories.publishing import load_published_environment


class DatabaseTruth:
    """The port `TruthSource` over the database; away means `Unavailable`, never None."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """Return a live, published environment with every live feature.

        Raises:
            Unavailable: the database is away.
        """

        async def work(tx: Transaction) -> PublishEnvironment | None:
            found = await load_published_environment(tx, environment_id, PublishAction.CREATE)
            # How many there are is for those who are told of all of them.
            return None if found is None else structs.replace(found, count=0)

        return await self._database.transaction(work, read_only=True)

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """Return the live account that either of its two secrets belongs to.

        Raises:
            Unavailable: the database is away.
        """
        if not may_be_secret(secret):
            return None

        async def work(tx: Transaction) -> CacheServiceAccount | None:
            found = await load_account_by_secret(tx, secret)
            return None if found is None else found.service_account

        return await self._database.transaction(work, read_only=True)
