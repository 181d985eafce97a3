"""Whether the strategies of feature groups are published, for everything read in a transaction.

What is announced and what caches ask for is read in many units of work, deep inside of each. So
the database that a deployable uses says it: with the first statement of each transaction, and to
that transaction alone.

Source: `feature-groups.enabled`, section 11.3 of the admin contract.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fh.db.port import Database, Transaction

T = TypeVar("T")

PUBLISHES_GROUPS: Final = "current_setting('fh.publishes_groups', true) IS DISTINCT FROM 'off'"
"""A condition of SQL, true unless the transaction was told otherwise."""

_WITHOUT = "SET LOCAL fh.publishes_groups = 'off'"


class WithoutGroups:
    """A database in whose transactions groups have nothing to publish."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def transaction(
        self, work: Callable[[Transaction], Awaitable[T]], *, read_only: bool = False
    ) -> T:
        """Do as `Database.transaction`."""

        async def without(tx: Transaction) -> T:
            await tx.execute(_WITHOUT)
            return await work(tx)

        return await self._database.transaction(without, read_only=read_only)


def publishing(database: Database, *, groups: bool) -> Database:
    """Return `database`, publishing the strategies of groups or not."""
    return database if groups else WithoutGroups(database)
