"""Joining and leaving groups.

Superusers are in the admin group of every portfolio: whoever becomes one joins them all, whoever
stops being one leaves them all, and the last one stays.
"""

from collections.abc import Collection, Iterable, Sequence

from fh.db.port import Transaction
from fh.model.ids import GroupId, PersonId
from fh.mr.access import Caller, may_manage_group
from fh.mr.errors import Forbidden, NotFound
from fh.mr.membership_changes import membership_change
from fh.mr.repositories import memberships as repository
from fh.mr.repositories.groups import (
    Group,
    has_superuser,
    load_groups,
    load_groups_of_person,
    load_superusers,
    lock_group,
)


async def lock_managed_group(tx: Transaction, caller: Caller, group_id: GroupId) -> Group:
    """Return a group that the caller may change; nobody else does so meanwhile.

    Raises:
        NotFound: there is none such.
        Forbidden: the caller does not administer its portfolio.
    """
    group = await lock_group(tx, group_id)
    if group is None:
        raise NotFound("group")
    if not may_manage_group(caller, group.portfolio_id):
        raise Forbidden
    return group


async def add_people(
    tx: Transaction,
    caller: Caller,
    group_id: GroupId,
    ids: Sequence[PersonId],
    emails: Sequence[str] = (),
) -> None:
    """Make people members of a group.

    Raises:
        NotFound: there is no such group, or nobody of those people.
        Forbidden: the caller does not administer its portfolio.
    """
    group = await lock_managed_group(tx, caller, group_id)
    people = await repository.find_joinable(tx, ids, emails)
    if not people:
        raise NotFound("person")
    await join(tx, group, people)


async def remove_person(
    tx: Transaction, caller: Caller, group_id: GroupId, person_id: PersonId
) -> None:
    """End one membership.

    Raises:
        NotFound: there is no such group or member, or a superuser would leave an admin group.
        Forbidden: the caller does not administer its portfolio, or nobody would be left who may
            do everything.
    """
    group = await lock_managed_group(tx, caller, group_id)
    if is_of_admins(group):
        await repository.hold_superusers(tx)
        if await repository.is_superuser(tx, person_id):
            raise NotFound("member that could leave")
    if not await leave(tx, group, [person_id]):
        raise NotFound("member")


async def set_members(tx: Transaction, group: Group, wanted: Iterable[PersonId]) -> None:
    """Make a locked group consist of the people in `wanted`; admin groups keep superusers.

    Raises:
        Forbidden: nobody would be left who may do everything.
    """
    members = frozenset(await repository.find_joinable(tx, wanted))
    current = await repository.load_member_ids(tx, group.id)
    left = current - members
    if is_of_admins(group):
        await repository.hold_superusers(tx)
        left -= frozenset(await load_superusers(tx, archived=True))
    await join(tx, group, members - current)
    await leave(tx, group, left)


async def set_groups(
    tx: Transaction, caller: Caller, person_id: PersonId, wanted: Collection[GroupId]
) -> None:
    """Make somebody a member of the groups in `wanted` and no others, as far as the caller may.

    Raises:
        Forbidden: nobody would be left who may do everything.
    """
    await repository.lock_superusers(tx)
    change = membership_change(
        caller, await load_groups_of_person(tx, person_id), await load_groups(tx, wanted)
    )
    await repository.leave(tx, change.leaves, [person_id])
    if change.demoted:
        await _demote(tx, [person_id])
    await repository.join(tx, change.joins, [person_id])
    if change.promoted:
        await repository.join_admin_groups(tx, [person_id])


async def refuse_groups_of_others(
    tx: Transaction, caller: Caller, wanted: Collection[GroupId]
) -> None:
    """Do nothing when the caller may add members to each of the groups.

    Raises:
        Forbidden: they may not, in one of them.
        NotFound: there is no such group; only a superuser is told.
    """
    found = await load_groups(tx, wanted)
    if not all(may_manage_group(caller, group.portfolio_id) for group in found):
        raise Forbidden
    if len(found) < len(set(wanted)):
        raise NotFound("group") if caller.superuser else Forbidden


async def join(tx: Transaction, group: Group, people: Collection[PersonId]) -> None:
    """Make people members of a locked group."""
    await repository.join(tx, [group.id], people)
    if is_of_superusers(group):
        await repository.join_admin_groups(tx, people)


async def leave(tx: Transaction, group: Group, people: Collection[PersonId]) -> int:
    """End memberships in a locked group; return how many there were.

    Raises:
        Forbidden: nobody would be left who may do everything.
    """
    ended = await repository.leave(tx, [group.id], people)
    if ended and is_of_superusers(group):
        await _demote(tx, people)
    return ended


async def refuse_without_superusers(tx: Transaction) -> None:
    """Do nothing while some person is a superuser who can log in.

    Raises:
        Forbidden: there is nobody any more.
    """
    if not await has_superuser(tx):
        raise Forbidden("The last superuser has to stay one.")


def is_of_superusers(group: Group) -> bool:
    """Return whether who is in the group may do everything."""
    return group.admin and group.portfolio_id is None


def is_of_admins(group: Group) -> bool:
    """Return whether who is in the group administers its portfolio."""
    return group.admin and group.portfolio_id is not None


async def _demote(tx: Transaction, people: Collection[PersonId]) -> None:
    await refuse_without_superusers(tx)
    await repository.leave_admin_groups(tx, people)
