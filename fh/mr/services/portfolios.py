"""Portfolios: what belongs together, and is administered together."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from fh.db.port import Transaction
from fh.grouping import grouped
from fh.model.ids import PortfolioId
from fh.mr.access import Caller, administers, is_member
from fh.mr.errors import Forbidden, Invalid, NotFound
from fh.mr.repositories import portfolios as repository
from fh.mr.repositories.environments import find_environments
from fh.mr.repositories.groups import Group, load_groups_of_portfolios
from fh.mr.repositories.organisations import find_organisation
from fh.mr.repositories.portfolios import Portfolio
from fh.mr.services.applications import ApplicationDetails
from fh.mr.services.groups import create_admin_group
from fh.mr.settings import MrSettings


@dataclass(frozen=True, slots=True)
class PortfolioParts:
    """Which parts of portfolios somebody wants to see; environments are parts of applications."""

    groups: bool = False
    applications: bool = False
    environments: bool = False


@dataclass(frozen=True, slots=True)
class PortfolioDetails:
    """A portfolio, and the parts of it that were asked for, each by name."""

    portfolio: Portfolio
    groups: Sequence[Group] = ()
    applications: Sequence[ApplicationDetails] = ()


async def find_portfolios(
    tx: Transaction, caller: Caller, name_part: str | None, parts: PortfolioParts
) -> Sequence[PortfolioDetails]:
    """Return the portfolios that `caller` sees: superusers all, others those they belong to."""
    if caller.superuser:
        found = await repository.load_all_portfolios(tx, name_part)
    else:
        found = await repository.load_portfolios(tx, caller.member_of, name_part)
    return await _with_parts(tx, caller, found, parts)


async def load_portfolio(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId, parts: PortfolioParts
) -> PortfolioDetails:
    """Return one portfolio.

    Raises:
        NotFound: there is none such, or the caller does not belong to it.
    """
    portfolio = await repository.find_portfolio(tx, portfolio_id)
    if portfolio is None or not is_member(caller, portfolio_id):
        raise NotFound("portfolio")
    [details] = await _with_parts(tx, caller, [portfolio], parts)
    return details


async def create_portfolio(
    tx: Transaction, caller: Caller, name: str, description: str | None, settings: MrSettings
) -> PortfolioDetails:
    """Create a portfolio and its admin group, of which all superusers are members.

    Raises:
        Forbidden: the caller is no superuser.
        Invalid: the name is blank.
        AlreadyExists: another portfolio has this name, whatever its case.
    """
    if not caller.superuser:
        raise Forbidden
    if not (name := name.strip()):
        raise Invalid("name", "A portfolio needs a name.")
    organisation = await find_organisation(tx)
    assert organisation is not None, "nobody can log in before the set-up"
    portfolio = await repository.create_portfolio(
        tx, organisation.id, name, description, caller.person_id
    )
    group_name = f"{name} {settings.portfolio_admin_group_suffix}"
    group = await create_admin_group(
        tx, organisation.id, portfolio.id, group_name, caller.person_id
    )
    return PortfolioDetails(portfolio, groups=[group])


async def _with_parts(
    tx: Transaction, caller: Caller, portfolios: Sequence[Portfolio], parts: PortfolioParts
) -> Sequence[PortfolioDetails]:
    ids = [portfolio.id for portfolio in portfolios]
    groups = await load_groups_of_portfolios(tx, ids) if parts.groups else ()
    administered = [identifier for identifier in ids if administers(caller, identifier)]
    applications = (
        await repository.load_visible_applications(tx, ids, administered, caller.groups)
        if parts.applications
        else ()
    )
    environments = (
        await find_environments(tx, [each.id for each in applications])
        if parts.environments
        else ()
    )
    groups_in = grouped(groups, attrgetter("portfolio_id"))
    applications_in = grouped(applications, attrgetter("portfolio_id"))
    environments_of = grouped(environments, attrgetter("application_id"))
    return [
        PortfolioDetails(
            portfolio,
            groups_in.get(portfolio.id, ()),
            [
                ApplicationDetails(application, environments_of.get(application.id, ()))
                for application in applications_in.get(portfolio.id, ())
            ],
        )
        for portfolio in portfolios
    ]
