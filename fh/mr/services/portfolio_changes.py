"""Portfolios change and go."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fh.db.port import Transaction
from fh.model.ids import PortfolioId
from fh.mr.access import Caller, administers
from fh.mr.errors import Forbidden, Invalid, NotFound
from fh.mr.outbox import announce
from fh.mr.repositories import portfolios as repository
from fh.mr.repositories.groups import load_groups_of_portfolios, rename_group
from fh.mr.repositories.portfolio_archiving import archive_portfolio, lock_portfolio
from fh.mr.repositories.published_accounts import load_deleted_accounts
from fh.mr.repositories.publishing import load_deleted_environments
from fh.mr.settings import MrSettings
from fh.mr.versions import check_version


@dataclass(frozen=True, slots=True)
class PortfolioChange:
    """What a portfolio should be; a description of None stays as it is."""

    portfolio_id: PortfolioId
    name: str
    description: str | None
    version: int


async def update_portfolio(
    tx: Transaction, caller: Caller, change: PortfolioChange, settings: MrSettings
) -> None:
    """Change a portfolio; with another name its admin group is renamed, too.

    Raises:
        Forbidden: the caller does not administer it.
        NotFound: there is none such.
        VersionConflict: somebody changed it.
        AlreadyExists: another portfolio has that name, whatever its case, or another of its groups
            the admin group's.
        Invalid: the name is blank.
    """
    if not administers(caller, change.portfolio_id):
        raise Forbidden
    if not await lock_portfolio(tx, change.portfolio_id):
        raise NotFound("portfolio")
    current = await repository.find_portfolio(tx, change.portfolio_id)
    assert current is not None, "it is locked"
    if not (name := change.name.strip()):
        raise Invalid("name", "A portfolio needs a name.")
    check_version("portfolio", change.version, current.version)
    description = current.description if change.description is None else change.description
    if (name, description) == (current.name, current.description):
        return
    await repository.save_portfolio(tx, current.id, name, description)
    if name != current.name:
        group_name = f"{name} {settings.portfolio_admin_group_suffix}"
        for group in await load_groups_of_portfolios(tx, [current.id]):
            if group.admin and group.name != group_name:
                await rename_group(tx, group.id, group_name)


async def delete_portfolio(tx: Transaction, caller: Caller, portfolio_id: PortfolioId) -> bool:
    """Archive a portfolio with all that is in it; return False when there is none such.

    Raises:
        Forbidden: the caller is no superuser.
    """
    if not caller.superuser:
        raise Forbidden
    if not await lock_portfolio(tx, portfolio_id):
        return False
    gone = await archive_portfolio(tx, portfolio_id, datetime.now(UTC), caller.person_id)
    await announce(
        tx,
        *await load_deleted_environments(tx, gone.environments),
        *await load_deleted_accounts(tx, gone.accounts),
    )
    return True
