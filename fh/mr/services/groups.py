"""Groups: who is in them, and what they were given."""

from collections.abc import Sequence
from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, GroupId, OrganisationId, PersonId, PortfolioId
from fh.model.roles import ApplicationRole
from fh.mr.access import Caller, is_member, may_read_group
from fh.mr.errors import Forbidden, NotFound
from fh.mr.repositories import groups as repository
from fh.mr.repositories.applications import find_application
from fh.mr.repositories.groups import ApplicationEntry, Group, Member
from fh.mr.repositories.memberships import hold_superusers
from fh.mr.repositories.portfolios import find_portfolio
from fh.mr.services.memberships import is_of_admins
from fh.mr.services.persons import Entry


@dataclass(frozen=True, slots=True)
class GroupParts:
    """Which parts of a group somebody wants to see."""

    members: bool = False
    superusers: bool = False
    entries: bool = False
    application_id: ApplicationId | None = None


@dataclass(frozen=True, slots=True)
class GroupDetails:
    """A group, and the parts of it that were asked for."""

    group: Group
    members: Sequence[Member] = ()
    superusers: Sequence[PersonId] = ()
    entries: Sequence[Entry] = ()


async def find_groups(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId, name_part: str | None
) -> Sequence[Group]:
    """Return the groups of a portfolio by name.

    Raises:
        Forbidden: the caller is in none of them.
        NotFound: there is no such portfolio.
    """
    if not is_member(caller, portfolio_id):
        raise Forbidden
    if await find_portfolio(tx, portfolio_id) is None:
        raise NotFound("portfolio")
    return await repository.load_groups_of_portfolios(tx, [portfolio_id], name_part)


async def load_group(
    tx: Transaction, caller: Caller, group_id: GroupId, parts: GroupParts
) -> GroupDetails:
    """Return a group with the parts asked for.

    Raises:
        NotFound: there is no such group, or the caller may not know of it.
    """
    group = await repository.find_group(tx, group_id)
    if group is None or not may_read_group(caller, group_id, group.portfolio_id):
        raise NotFound("group")
    return GroupDetails(
        group,
        members=await repository.load_members(tx, group_id) if parts.members else (),
        superusers=await repository.load_superusers(tx) if parts.superusers else (),
        entries=await _entries(tx, group, parts.application_id) if parts.entries else (),
    )


async def create_admin_group(
    tx: Transaction,
    organisation_id: OrganisationId,
    portfolio_id: PortfolioId,
    name: str,
    created_by: PersonId,
) -> Group:
    """Create a portfolio's admin group; all superusers are in it, also those who may come back."""
    await hold_superusers(tx)
    group = await repository.create_group(
        tx, organisation_id, portfolio_id, name, created_by, admin=True
    )
    superusers = await repository.load_superusers(tx, archived=True)
    await repository.join_group(tx, group.id, superusers)
    return group


async def _entries(
    tx: Transaction, group: Group, application_id: ApplicationId | None
) -> Sequence[Entry]:
    entries = await repository.load_entries(tx, [group.id], application_id)
    if application_id is None or not is_of_admins(group):
        return entries
    if any(isinstance(entry, ApplicationEntry) and entry.roles for entry in entries):
        return entries
    application = await find_application(tx, application_id)
    if application is None or application.portfolio_id != group.portfolio_id:
        return entries
    # Admins hold every role, also in an application whose entry for them got lost.
    roles = frozenset(ApplicationRole) - {ApplicationRole.FEATURE_EDIT}
    environments = [entry for entry in entries if not isinstance(entry, ApplicationEntry)]
    return [ApplicationEntry(group.id, application_id, roles), *environments]
