from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from fh.model.ids import GroupId, OrganisationId, PersonId, PortfolioId
from fh.mr.access import Caller, PersonType
from fh.mr.membership_changes import membership_change
from fh.mr.repositories.groups import Group

MINE, OTHER = PortfolioId(UUID(int=1)), PortfolioId(UUID(int=2))


def group(number, portfolio, *, admin=False) -> Group:
    now = datetime.now(UTC)
    organisation = OrganisationId(UUID(int=9))
    return Group(GroupId(UUID(int=number)), organisation, portfolio, "g", admin, 1, now, now)


DEVS, ADMINS = group(11, MINE), group(12, MINE, admin=True)
THEIR_DEVS, THEIR_ADMINS = group(21, OTHER), group(22, OTHER, admin=True)
SUPERUSERS = group(31, None, admin=True)

SUPERUSER = Caller(
    PersonId(UUID(int=7)), PersonType.PERSON, True, frozenset(), frozenset(), frozenset()
)
ADMIN = replace(SUPERUSER, superuser=False, administered=frozenset({MINE}))


def ids(*groups: Group) -> frozenset[GroupId]:
    return frozenset(each.id for each in groups)


def test_superusers_change_everything():
    change = membership_change(SUPERUSER, [DEVS, THEIR_DEVS], [DEVS, ADMINS])
    assert (change.joins, change.leaves) == (ids(ADMINS), ids(THEIR_DEVS))
    assert not change.promoted
    assert not change.demoted


def test_what_a_portfolio_s_admin_may_not_change_stays_as_it_is():
    change = membership_change(ADMIN, [DEVS, THEIR_DEVS], [ADMINS, THEIR_ADMINS, SUPERUSERS])
    assert (change.joins, change.leaves) == (ids(ADMINS), ids(DEVS))
    assert not change.promoted


def test_somebody_becomes_and_stops_being_a_superuser():
    promotion = membership_change(SUPERUSER, [DEVS], [DEVS, SUPERUSERS])
    assert promotion.promoted
    demotion = membership_change(SUPERUSER, [SUPERUSERS, ADMINS, DEVS], [DEVS])
    assert demotion.demoted
    assert demotion.leaves == ids(SUPERUSERS, ADMINS)


def test_superusers_stay_in_the_groups_of_admins():
    kept = membership_change(SUPERUSER, [SUPERUSERS, ADMINS, DEVS], [SUPERUSERS])
    assert kept.leaves == ids(DEVS)
    promoted = membership_change(SUPERUSER, [ADMINS], [SUPERUSERS])
    assert promoted.leaves == frozenset()


def test_nothing_to_do():
    change = membership_change(SUPERUSER, [DEVS], [DEVS])
    assert (change.joins, change.leaves) == (frozenset(), frozenset())
