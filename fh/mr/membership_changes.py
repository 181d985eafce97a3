"""Which groups somebody joins and leaves when an admin says in which they should be. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from fh.model.ids import GroupId
from fh.mr.access import Caller, may_manage_group
from fh.mr.repositories.groups import Group


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """What to do; whoever becomes or stops being a superuser does so in all admin groups."""

    joins: frozenset[GroupId]
    leaves: frozenset[GroupId]
    promoted: bool = False
    demoted: bool = False


def membership_change(
    caller: Caller, current: Collection[Group], wanted: Collection[Group]
) -> MembershipChange:
    """Return the way from `current` to `wanted`, as far as `caller` may go.

    What they may not is dropped. Superusers stay in the admin groups of portfolios.
    """
    was = {group.id for group in current}
    will_be = {group.id for group in wanted}
    joined = [
        group
        for group in wanted
        if group.id not in was and may_manage_group(caller, group.portfolio_id)
    ]
    left = [
        group
        for group in current
        if group.id not in will_be and may_manage_group(caller, group.portfolio_id)
    ]
    promoted = any(map(_of_superusers, joined))
    demoted = any(map(_of_superusers, left))
    if promoted or (any(map(_of_superusers, current)) and not demoted):
        left = [group for group in left if not group.admin]
    return MembershipChange(
        frozenset(group.id for group in joined),
        frozenset(group.id for group in left),
        promoted=promoted,
        demoted=demoted,
    )


def _of_superusers(group: Group) -> bool:
    return group.admin and group.portfolio_id is None
