"""Groups come, change and go; so does what they may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, EnvironmentId, GroupId, PersonId, PortfolioId
from fh.model.roles import ApplicationRole, Role
from fh.mr.access import Caller, administers, may_manage_group, may_read_group
from fh.mr.errors import DuplicateItems, Forbidden, Invalid, NotFound
from fh.mr.repositories import groups as repository
from fh.mr.repositories.acls import (
    find_own_applications,
    find_own_environments,
    replace_application_roles,
    set_environment_roles,
)
from fh.mr.repositories.applications import portfolio_is_live
from fh.mr.repositories.groups import Group
from fh.mr.repositories.organisations import find_organisation
from fh.mr.services.groups import create_admin_group
from fh.mr.services.memberships import lock_managed_group, set_members
from fh.mr.versions import check_version


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to be."""

    name: str
    admin: bool = False
    application_roles: Mapping[ApplicationId, frozenset[ApplicationRole]] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What a group should be; None leaves a part as it is.

    `application_roles` are all that there are, or all within `application_id` when that is given;
    `environment_roles` are those of the environments named.
    """

    group_id: GroupId
    version: int | None
    name: str | None = None
    members: Sequence[PersonId | None] | None = None
    application_roles: Mapping[ApplicationId, frozenset[ApplicationRole]] | None = None
    application_id: ApplicationId | None = None
    environment_roles: Mapping[EnvironmentId, frozenset[Role]] | None = None


async def create_group(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId, new: NewGroup
) -> Group:
    """Create a group; roles for applications of other portfolios are ignored.

    Raises:
        Forbidden: the caller does not administer the portfolio.
        NotFound: there is no such portfolio, or it has an admin group and this were another.
        AlreadyExists: the portfolio has a group of that name.
        Invalid: the name is blank.
    """
    if not administers(caller, portfolio_id):
        raise Forbidden
    if not (name := new.name.strip()):
        raise Invalid("name", "A group needs a name.")
    organisation = await find_organisation(tx)
    if organisation is None or not await portfolio_is_live(tx, portfolio_id):
        raise NotFound("portfolio")
    if new.admin:
        existing = await repository.load_groups_of_portfolios(tx, [portfolio_id])
        if any(group.admin for group in existing):
            raise NotFound("portfolio without admins")
        group = await create_admin_group(tx, organisation.id, portfolio_id, name, caller.person_id)
    else:
        group = await repository.create_group(
            tx, organisation.id, portfolio_id, name, caller.person_id, admin=False
        )
    own = await find_own_applications(tx, portfolio_id, new.application_roles)
    roles = {one: given for one, given in new.application_roles.items() if one in own}
    await replace_application_roles(tx, group.id, roles)
    return group


async def update_group(
    tx: Transaction, caller: Caller, portfolio_id: PortfolioId, change: GroupChange
) -> None:
    """Change a group's name, members and roles; what belongs to other portfolios is ignored.

    Only another name gives a group its next version. The superusers' group belongs to no
    portfolio, so any will do.

    Raises:
        NotFound: the portfolio has no such group, or none that the caller may know of.
        Forbidden: the caller does not administer the portfolio, or no superuser would be left.
        VersionConflict: somebody changed it, or the version is missing.
        AlreadyExists: the portfolio has another group of that name.
        DuplicateItems: a member is named twice.
        Invalid: a member is not named at all.
    """
    group = await repository.lock_group(tx, change.group_id)
    if (
        group is None
        or group.portfolio_id not in {None, portfolio_id}
        or not may_read_group(caller, group.id, group.portfolio_id)
    ):
        raise NotFound("group")
    if not may_manage_group(caller, group.portfolio_id):
        raise Forbidden
    check_version("group", change.version, group.version)
    name = (change.name or "").strip()
    if name and name != group.name:
        await repository.rename_group(tx, group.id, name)
    if change.members is not None:
        await set_members(tx, group, _identified(change.members))
    if group.portfolio_id is not None:
        await _set_roles(tx, group.id, group.portfolio_id, change)


async def delete_group(tx: Transaction, caller: Caller, group_id: GroupId) -> None:
    """Archive a group; it gives nothing any more.

    Raises:
        NotFound: there is none such.
        Forbidden: the caller does not administer its portfolio, or it is the admins' group.
    """
    group = await lock_managed_group(tx, caller, group_id)
    if group.admin:
        raise Forbidden("There have to be admins.")
    await repository.archive_group(tx, group, datetime.now(UTC))


def _identified(members: Sequence[PersonId | None]) -> Sequence[PersonId]:
    found: list[PersonId] = []
    for index, member in enumerate(members):
        if member is None:
            raise Invalid(f"members[{index}].id", "Each member needs an identifier.")
        found.append(member)
    if len(set(found)) < len(found):
        raise DuplicateItems("members")
    return found


async def _set_roles(
    tx: Transaction, group_id: GroupId, portfolio_id: PortfolioId, change: GroupChange
) -> None:
    applications, scope = change.application_roles, change.application_id
    if applications is not None:
        own = await find_own_applications(tx, portfolio_id, applications)
        roles = {
            one: given for one, given in applications.items() if one in own and scope in {None, one}
        }
        await replace_application_roles(tx, group_id, roles, scope)
    environments = change.environment_roles
    if environments is not None:
        live = await find_own_environments(tx, portfolio_id, environments)
        await set_environment_roles(
            tx, group_id, {one: environments[one] for one in environments if one in live}
        )
