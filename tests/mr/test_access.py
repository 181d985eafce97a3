from uuid import UUID

import pytest

from fh.model.ids import ApplicationId, EnvironmentId, GroupId, PersonId, PortfolioId
from fh.model.roles import ApplicationRole as App
from fh.model.roles import Role
from fh.mr import access
from fh.mr.access import (
    ApplicationRights,
    Caller,
    EffectiveRoles,
    PersonType,
    PortfolioRights,
)

MINE = PortfolioId(UUID(int=1))
OTHER = PortfolioId(UUID(int=2))
APPLICATION = ApplicationId(UUID(int=3))
STAGING = EnvironmentId(UUID(int=4))
PRODUCTION = EnvironmentId(UUID(int=5))
ME = PersonId(UUID(int=6))
DEVS = GroupId(UUID(int=7))


def caller(*, superuser=False, administered=(), member_of=(), groups=()) -> Caller:
    return Caller(
        ME,
        PersonType.PERSON,
        superuser,
        frozenset(groups),
        frozenset(administered),
        frozenset(member_of),
    )


SUPERUSER = caller(superuser=True)
ADMIN = caller(administered=[MINE], member_of=[MINE])
MEMBER = caller(member_of=[MINE], groups=[DEVS])
NOBODY = caller()
FOREIGN_ADMIN = caller(administered=[OTHER], member_of=[OTHER])


def rights(*roles: App, entry=None, staging=()) -> ApplicationRights:
    return ApplicationRights(
        APPLICATION,
        MINE,
        bool(roles) if entry is None else entry,
        frozenset(roles),
        {STAGING: frozenset(staging)} if staging is not None else {},
    )


@pytest.mark.parametrize(
    ("who", "administers", "any_admin", "member"),
    [
        (SUPERUSER, True, True, True),
        (ADMIN, True, True, True),
        (MEMBER, False, False, True),
        (FOREIGN_ADMIN, False, True, False),
        (NOBODY, False, False, False),
    ],
)
def test_who_administers_what(who, administers, any_admin, member):
    assert access.administers(who, MINE) is administers
    assert access.is_any_admin(who) is any_admin
    assert access.is_member(who, MINE) is member


def test_people_see_themselves_and_admins_everybody():
    assert access.may_read_person(NOBODY, ME)
    assert not access.may_read_person(MEMBER, PersonId(UUID(int=99)))
    assert access.may_read_person(FOREIGN_ADMIN, PersonId(UUID(int=99)))


OTHER_PERSON = PersonId(UUID(int=99))


@pytest.mark.parametrize(
    ("who", "anybody", "superusers"),
    [
        (SUPERUSER, True, True),
        (ADMIN, True, False),
        (FOREIGN_ADMIN, True, False),
        (MEMBER, False, False),
        (NOBODY, False, False),
    ],
)
def test_only_superusers_manage_superusers(who, anybody, superusers):
    assert access.may_manage_person(who, superuser=False) is anybody
    assert access.may_manage_person(who, superuser=True) is superusers


def test_superusers_delete_others_and_nobody_else_does():
    assert access.may_delete_person(SUPERUSER, OTHER_PERSON)
    assert not access.may_delete_person(SUPERUSER, ME)
    for who in (ADMIN, FOREIGN_ADMIN, MEMBER, NOBODY):
        assert not access.may_delete_person(who, OTHER_PERSON)


def test_passwords_are_changed_by_their_owners_and_by_superusers():
    assert access.may_change_password(SUPERUSER, OTHER_PERSON)
    for who in (ADMIN, MEMBER, NOBODY):
        assert access.may_change_password(who, ME)
        assert not access.may_change_password(who, OTHER_PERSON)


def test_a_temporary_password_is_replaced_by_its_owner():
    assert access.may_replace_temporary_password(NOBODY, ME, temporary=True)
    assert not access.may_replace_temporary_password(NOBODY, ME, temporary=False)
    assert not access.may_replace_temporary_password(SUPERUSER, OTHER_PERSON, temporary=True)


def test_groups_are_managed_by_their_portfolio_s_admins_and_the_superusers_by_superusers():
    for who, own, superusers in (
        (SUPERUSER, True, True),
        (ADMIN, True, False),
        (FOREIGN_ADMIN, False, False),
        (MEMBER, False, False),
    ):
        assert access.may_manage_group(who, MINE) is own
        assert access.may_manage_group(who, None) is superusers


@pytest.mark.parametrize(
    ("who", "group", "portfolio", "may"),
    [
        (MEMBER, DEVS, MINE, True),
        (MEMBER, GroupId(UUID(int=8)), MINE, False),
        (ADMIN, DEVS, MINE, True),
        (ADMIN, DEVS, None, False),
        (FOREIGN_ADMIN, DEVS, MINE, False),
        (SUPERUSER, DEVS, None, True),
    ],
)
def test_who_sees_a_group(who, group, portfolio, may):
    assert access.may_read_group(who, group, portfolio) is may


@pytest.mark.parametrize("who", [SUPERUSER, ADMIN])
def test_admins_may_do_everything_without_a_single_entry(who):
    nothing = rights(staging=None)
    assert access.may_read_features(who, nothing)
    assert access.may_create_features(who, nothing)
    assert access.may_edit_features(who, nothing)
    assert access.holds_environment_entry(who, nothing)
    held = access.effective_roles(who, nothing, STAGING)
    assert held.environment == frozenset(Role)
    assert held.application == {App.FEATURE_CREATE, App.FEATURE_EDIT_AND_DELETE}


@pytest.mark.parametrize("who", [MEMBER, FOREIGN_ADMIN, NOBODY])
def test_without_entries_there_is_nothing_for_others(who):
    nothing = rights()
    assert not access.may_read_features(who, nothing)
    assert not access.may_create_features(who, nothing)
    assert not access.may_edit_features(who, nothing)
    assert not access.may_read_values(access.effective_roles(who, nothing, STAGING))


@pytest.mark.parametrize(
    ("role", "creates", "edits"),
    [
        (App.FEATURE_EDIT, True, True),
        (App.FEATURE_CREATE, True, False),
        (App.FEATURE_EDIT_AND_DELETE, True, True),
        (App.APP_STRATEGY_CREATE, False, False),
        (App.APP_STRATEGY_EDIT, False, False),
        (App.APP_STRATEGY_EDIT_AND_DELETE, False, False),
    ],
)
def test_what_an_application_role_allows(role, creates, edits):
    given = rights(role)
    assert access.may_create_features(MEMBER, given) is creates
    assert access.may_edit_features(MEMBER, given) is edits
    assert access.may_read_features(MEMBER, given)


def test_an_entry_without_roles_suffices_to_read_features():
    assert access.may_read_features(MEMBER, rights(entry=True))


@pytest.mark.parametrize("role", list(Role))
def test_any_environment_role_suffices_to_read_features(role):
    given = rights(staging=[role])
    assert access.may_read_features(MEMBER, given)
    assert access.holds_environment_entry(MEMBER, given)
    assert access.effective_roles(MEMBER, given, STAGING).environment == {role, Role.READ}


def test_roles_of_one_environment_are_not_those_of_another():
    given = rights(staging=[Role.CHANGE_VALUE])
    assert access.effective_roles(MEMBER, given, PRODUCTION).environment == frozenset()


# Columns: read, attempt a write, change, lock, unlock, create the value.
MATRIX = [
    ([], [], "------"),
    ([Role.READ], [], "r-----"),
    ([Role.EXTENDED_DATA], [], "r-----"),
    ([Role.CHANGE_VALUE], [], "rwc--n"),
    ([Role.LOCK], [], "rw-l-n"),
    ([Role.UNLOCK], [], "rw--un"),
    ([Role.LOCK, Role.UNLOCK, Role.CHANGE_VALUE], [], "rwclun"),
    ([], [App.FEATURE_EDIT], "rw-lun"),
    ([], [App.FEATURE_CREATE], "rw-lun"),
    ([], [App.FEATURE_EDIT_AND_DELETE], "rw----"),
    ([], [App.APP_STRATEGY_EDIT], "r-----"),
]


@pytest.mark.parametrize(("environment", "application", "expected"), MATRIX)
def test_what_roles_allow_on_a_value(environment, application, expected):
    held = EffectiveRoles(frozenset(environment), frozenset(application))
    decisions = (
        access.may_read_values(held),
        access.may_attempt_write(held),
        access.may_change_value(held),
        access.may_lock(held),
        access.may_unlock(held),
        access.may_create_value(held),
    )
    letters = zip("rwclun", decisions, strict=True)
    assert "".join(letter if allowed else "-" for letter, allowed in letters) == expected


@pytest.mark.parametrize(
    ("who", "held", "granted", "may"),
    [
        (MEMBER, [Role.EXTENDED_DATA], [Role.READ, Role.EXTENDED_DATA], True),
        (MEMBER, [Role.READ], [Role.READ, Role.EXTENDED_DATA], False),
        (MEMBER, [Role.READ], [Role.READ], True),
        (MEMBER, [], [Role.READ], False),
        (MEMBER, [Role.READ], [], False),
        (NOBODY, [Role.READ], [Role.READ], False),
        (FOREIGN_ADMIN, [Role.READ], [Role.READ], False),
        (ADMIN, [], [Role.READ, Role.LOCK], True),
        (SUPERUSER, [], [], True),
    ],
)
def test_an_sdk_url_is_for_those_who_hold_all_its_roles(who, held, granted, may):
    assert access.may_see_sdk_url(who, MINE, frozenset(held), frozenset(granted)) is may


@pytest.mark.parametrize(
    ("who", "roles", "expected"),
    [
        (SUPERUSER, [], "ced"),
        (ADMIN, [], "ced"),
        (FOREIGN_ADMIN, [], "---"),
        (MEMBER, [], "---"),
        (MEMBER, [App.APP_STRATEGY_CREATE], "c--"),
        (MEMBER, [App.APP_STRATEGY_EDIT], "-e-"),
        (MEMBER, [App.APP_STRATEGY_EDIT_AND_DELETE], "-ed"),
        (MEMBER, [App.FEATURE_EDIT, App.FEATURE_CREATE, App.FEATURE_EDIT_AND_DELETE], "---"),
    ],
)
def test_who_may_write_application_strategies(who, roles, expected):
    given = rights(*roles)
    decisions = (
        access.may_create_strategies(who, given),
        access.may_edit_strategies(who, given),
        access.may_delete_strategies(who, given),
    )
    letters = zip("ced", decisions, strict=True)
    assert "".join(letter if allowed else "-" for letter, allowed in letters) == expected


@pytest.mark.parametrize(
    ("who", "entry", "roles", "expected"),
    [
        (SUPERUSER, False, [], "rw"),
        (ADMIN, False, [], "rw"),
        (FOREIGN_ADMIN, False, [], "--"),
        (MEMBER, False, [], "--"),
        (MEMBER, True, [], "r-"),
        (MEMBER, True, [App.APP_STRATEGY_CREATE, App.APP_STRATEGY_EDIT_AND_DELETE], "r-"),
        (MEMBER, True, [App.FEATURE_CREATE], "rw"),
        (MEMBER, True, [App.FEATURE_EDIT], "rw"),
        (MEMBER, True, [App.FEATURE_EDIT_AND_DELETE], "rw"),
    ],
)
def test_who_may_see_and_write_feature_filters(who, entry, roles, expected):
    given = PortfolioRights(MINE, entry, frozenset(roles))
    decisions = (access.may_read_filters(who, given), access.may_write_filters(who, given))
    letters = zip("rw", decisions, strict=True)
    assert "".join(letter if allowed else "-" for letter, allowed in letters) == expected


@pytest.mark.parametrize(
    ("who", "held"),
    [
        (SUPERUSER, frozenset(App)),
        (ADMIN, frozenset(App)),
        (MEMBER, frozenset({App.FEATURE_CREATE})),
        (NOBODY, frozenset({App.FEATURE_CREATE})),
    ],
)
def test_admins_are_shown_all_application_roles(who, held):
    assert access.application_roles_held(who, rights(App.FEATURE_CREATE)) == held


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        (SUPERUSER, {STAGING: access.ALL_ROLES, PRODUCTION: access.ALL_ROLES}),
        (ADMIN, {STAGING: access.ALL_ROLES, PRODUCTION: access.ALL_ROLES}),
        (MEMBER, {STAGING: frozenset({Role.LOCK})}),
        (NOBODY, {STAGING: frozenset({Role.LOCK})}),
    ],
)
def test_values_are_shown_where_roles_were_given(who, shown):
    given = rights(staging=[Role.LOCK])
    assert access.environments_shown(who, given, [STAGING, PRODUCTION]) == shown
    assert access.environments_shown(MEMBER, rights(staging=()), [STAGING]) == {}


def test_superusers_only_configure_the_site():
    assert access.may_configure_site(SUPERUSER)
    assert not any(map(access.may_configure_site, (ADMIN, MEMBER, FOREIGN_ADMIN, NOBODY)))
