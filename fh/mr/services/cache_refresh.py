"""Announcing again what caches should know, for when one of them holds something else."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fh.contracts.published import PublishAction
from fh.db.port import Database, Transaction
from fh.model.ids import ApplicationId, EnvironmentId, PortfolioId, ServiceAccountId
from fh.mr.access import Caller
from fh.mr.errors import Forbidden
from fh.mr.idempotency import harmless_twice
from fh.mr.outbox import announce
from fh.mr.repositories.environments import lock_environment
from fh.mr.repositories.published_accounts import load_published_account
from fh.mr.repositories.publishing import load_published_environment
from fh.mr.repositories.refreshable import (
    find_live_applications,
    find_live_portfolios,
    find_published_accounts,
    find_published_environments,
)
from fh.mr.repositories.service_accounts import lock_account


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to announce: everything, or some portfolios and applications with all they have."""

    everything: bool = False
    portfolios: Sequence[PortfolioId] = ()
    applications: Sequence[ApplicationId] = ()


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What was found; of all its environments and accounts those that are published were told."""

    portfolios: Sequence[PortfolioId]
    applications: Sequence[ApplicationId]
    environments: Sequence[EnvironmentId]
    accounts: Sequence[ServiceAccountId]


async def refresh_caches(database: Database, caller: Caller, wanted: Wanted) -> Refreshed:
    """Announce accounts and environments as they are now; return which. Unknown ids are ignored.

    Everything is told as CREATE, a part as UPDATE. Each is a transaction of its own, so that
    nobody waits for more than one of them, and what was told before a failure stays told.

    Raises:
        Forbidden: the caller is no superuser.
    """
    if not caller.superuser:
        raise Forbidden
    action = PublishAction.CREATE if wanted.everything else PublishAction.UPDATE
    found = await database.transaction(lambda tx: _find(tx, wanted), read_only=True)
    with harmless_twice():
        for account_id in found.accounts:
            await database.transaction(partial(_tell_account, account_id, action))
        for environment_id in found.environments:
            await database.transaction(partial(_tell_environment, environment_id, action))
    return found


async def _find(tx: Transaction, wanted: Wanted) -> Refreshed:
    portfolios = await find_live_portfolios(tx, None if wanted.everything else wanted.portfolios)
    applications = await find_live_applications(tx, wanted.applications, portfolios)
    return Refreshed(
        portfolios,
        applications,
        await find_published_environments(tx, applications),
        await find_published_accounts(tx, portfolios),
    )


async def _tell_environment(
    environment_id: EnvironmentId, action: PublishAction, tx: Transaction
) -> None:
    # Locked, or a feature created meanwhile could be announced before the list that it is not in,
    # and an environment that is deleted meanwhile after its farewell; so are accounts.
    await lock_environment(tx, environment_id)
    await announce(tx, await load_published_environment(tx, environment_id, action))


async def _tell_account(
    account_id: ServiceAccountId, action: PublishAction, tx: Transaction
) -> None:
    await lock_account(tx, account_id)
    await announce(tx, await load_published_account(tx, account_id, action))
