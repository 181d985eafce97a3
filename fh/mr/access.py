"""Who may do what: the only place where authorisation is decided.

Pure decisions on immutable values, which `repositories/access.py` loads. Groups that are archived
give nothing; they do not even appear in these values.

Source: section 4 of the admin contract.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from fh.model.ids import ApplicationId, EnvironmentId, GroupId, PersonId, PortfolioId
from fh.model.roles import ApplicationRole, Role


class PersonType(StrEnum):
    """What kind of person (the values are those on the wire)."""

    PERSON = "person"
    SERVICE_ACCOUNT = "serviceAccount"
    SDK_SERVICE_ACCOUNT = "sdkServiceAccount"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and the groups they are in.

    Attributes:
        administered: Portfolios whose admin group they are in; superusers need not be listed.
        member_of: Portfolios of which they are in any group.
    """

    person_id: PersonId
    person_type: PersonType
    superuser: bool
    groups: frozenset[GroupId]
    administered: frozenset[PortfolioId]
    member_of: frozenset[PortfolioId]


@dataclass(frozen=True, slots=True)
class ApplicationRights:
    """What a caller's groups were given in one application and its environments.

    Attributes:
        has_application_entry: Whether any group has an entry for the application, even one
            without roles: it suffices to read features.
        environment_roles: Of live environments, without the READ that other roles imply.
    """

    application_id: ApplicationId
    portfolio_id: PortfolioId
    has_application_entry: bool = False
    application_roles: frozenset[ApplicationRole] = frozenset()
    environment_roles: Mapping[EnvironmentId, frozenset[Role]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PortfolioRights:
    """What a caller's groups were given in all live applications of one portfolio together.

    Attributes:
        has_application_entry: As in `ApplicationRights`, for any of the applications.
        readable: The applications whose features they may read, unless they administer them all.
    """

    portfolio_id: PortfolioId
    has_application_entry: bool = False
    application_roles: frozenset[ApplicationRole] = frozenset()
    readable: frozenset[ApplicationId] = frozenset()


@dataclass(frozen=True, slots=True)
class EffectiveRoles:
    """What a caller holds in one environment once everything is added up."""

    environment: frozenset[Role]
    application: frozenset[ApplicationRole]


ALL_ROLES: Final = frozenset(Role)
ADMIN_APPLICATION_ROLES: Final = frozenset(
    {ApplicationRole.FEATURE_CREATE, ApplicationRole.FEATURE_EDIT_AND_DELETE}
)
"""What a portfolio's admin group is given in every application."""

_EDITING_STRATEGIES: Final = frozenset(
    {ApplicationRole.APP_STRATEGY_EDIT, ApplicationRole.APP_STRATEGY_EDIT_AND_DELETE}
)
_EDITING: Final = frozenset({ApplicationRole.FEATURE_EDIT, ApplicationRole.FEATURE_EDIT_AND_DELETE})
_CREATING: Final = _EDITING | {ApplicationRole.FEATURE_CREATE}
_CREATING_VALUES: Final = frozenset({ApplicationRole.FEATURE_EDIT, ApplicationRole.FEATURE_CREATE})


def administers(caller: Caller, portfolio_id: PortfolioId) -> bool:
    """Return whether `caller` is an admin of the portfolio; superusers are of all."""
    return caller.superuser or portfolio_id in caller.administered


def is_any_admin(caller: Caller) -> bool:
    """Return whether `caller` is a superuser or an admin of at least one portfolio."""
    return caller.superuser or bool(caller.administered)


def may_configure_site(caller: Caller) -> bool:
    """Return whether `caller` may see and change the settings of the whole site."""
    return caller.superuser


def is_member(caller: Caller, portfolio_id: PortfolioId) -> bool:
    """Return whether `caller` is in any group of the portfolio; superusers count."""
    return caller.superuser or portfolio_id in caller.member_of


def may_read_person(caller: Caller, person_id: PersonId) -> bool:
    """Return whether `caller` may see a person: themselves always, others as an admin."""
    return caller.person_id == person_id or is_any_admin(caller)


def may_manage_person(caller: Caller, *, superuser: bool) -> bool:
    """Return whether `caller` may change somebody, who is a `superuser` or not.

    Any admin may; superusers are touched only by superusers, or else an admin of one portfolio
    could take over the installation.
    """
    return caller.superuser or (is_any_admin(caller) and not superuser)


def may_delete_person(caller: Caller, person_id: PersonId) -> bool:
    """Return whether `caller` may deactivate somebody: superusers may, but not themselves."""
    return caller.superuser and caller.person_id != person_id


def may_change_password(caller: Caller, person_id: PersonId) -> bool:
    """Return whether `caller` may exchange a password that they know: their own, mostly."""
    return caller.superuser or caller.person_id == person_id


def may_replace_temporary_password(caller: Caller, person_id: PersonId, *, temporary: bool) -> bool:
    """Return whether `caller`, whose password is `temporary` or not, may replace a person's."""
    return temporary and caller.person_id == person_id


def may_manage_group(caller: Caller, portfolio_id: PortfolioId | None) -> bool:
    """Return whether `caller` may change a group; the superusers' belongs to no portfolio."""
    if portfolio_id is None:
        return caller.superuser
    return administers(caller, portfolio_id)


def may_read_group(caller: Caller, group_id: GroupId, portfolio_id: PortfolioId | None) -> bool:
    """Return whether `caller` may see a group; the superusers' belongs to no portfolio."""
    if caller.superuser or group_id in caller.groups:
        return True
    return portfolio_id is not None and administers(caller, portfolio_id)


def may_read_features(caller: Caller, rights: ApplicationRights) -> bool:
    """Return whether `caller` may read the features of the application."""
    return (
        administers(caller, rights.portfolio_id)
        or rights.has_application_entry
        or any(rights.environment_roles.values())
    )


def may_create_features(caller: Caller, rights: ApplicationRights) -> bool:
    """Return whether `caller` may create features."""
    return administers(caller, rights.portfolio_id) or bool(rights.application_roles & _CREATING)


def may_edit_features(caller: Caller, rights: ApplicationRights) -> bool:
    """Return whether `caller` may change and delete features."""
    return administers(caller, rights.portfolio_id) or bool(rights.application_roles & _EDITING)


def may_create_strategies(caller: Caller, rights: ApplicationRights) -> bool:
    """Return whether `caller` may create application strategies."""
    return _administers_or_holds(caller, rights, frozenset({ApplicationRole.APP_STRATEGY_CREATE}))


def may_edit_strategies(caller: Caller, rights: ApplicationRights) -> bool:
    """Return whether `caller` may change application strategies."""
    return _administers_or_holds(caller, rights, _EDITING_STRATEGIES)


def may_delete_strategies(caller: Caller, rights: ApplicationRights) -> bool:
    """Return whether `caller` may delete application strategies."""
    return _administers_or_holds(
        caller, rights, frozenset({ApplicationRole.APP_STRATEGY_EDIT_AND_DELETE})
    )


def _administers_or_holds(
    caller: Caller, rights: ApplicationRights, any_of: frozenset[ApplicationRole]
) -> bool:
    return administers(caller, rights.portfolio_id) or bool(rights.application_roles & any_of)


def may_read_filters(caller: Caller, rights: PortfolioRights) -> bool:
    """Return whether `caller` may see the portfolio's feature filters."""
    return administers(caller, rights.portfolio_id) or rights.has_application_entry


def may_write_filters(caller: Caller, rights: PortfolioRights) -> bool:
    """Return whether `caller` may write the portfolio's feature filters."""
    return administers(caller, rights.portfolio_id) or bool(rights.application_roles & _CREATING)


def holds_environment_entry(caller: Caller, rights: ApplicationRights) -> bool:
    """Return whether `caller` sees the application in lists: as admin, or by an environment."""
    return administers(caller, rights.portfolio_id) or any(rights.environment_roles.values())


def application_roles_held(caller: Caller, rights: ApplicationRights) -> frozenset[ApplicationRole]:
    """Return the roles that `caller` has in the application; its admins are shown all."""
    if administers(caller, rights.portfolio_id):
        return frozenset(ApplicationRole)
    return rights.application_roles


def effective_roles(
    caller: Caller, rights: ApplicationRights, environment_id: EnvironmentId
) -> EffectiveRoles:
    """Return all roles of `caller` in an environment of the application."""
    if administers(caller, rights.portfolio_id):
        return EffectiveRoles(ALL_ROLES, ADMIN_APPLICATION_ROLES)
    roles = with_implied_read(rights.environment_roles.get(environment_id, frozenset()))
    return EffectiveRoles(roles, rights.application_roles)


def environments_shown(
    caller: Caller, rights: ApplicationRights, environment_ids: Iterable[EnvironmentId]
) -> Mapping[EnvironmentId, frozenset[Role]]:
    """Return those of the application's environments of which `caller` sees values, and why.

    READ is not added here: lists of environments show roles as they were given.
    """
    if administers(caller, rights.portfolio_id):
        return dict.fromkeys(environment_ids, ALL_ROLES)
    held = rights.environment_roles
    return {one: held[one] for one in environment_ids if held.get(one)}


def with_implied_read(roles: frozenset[Role]) -> frozenset[Role]:
    """Return `roles` with the READ that any other role implies."""
    return roles | {Role.READ} if roles else roles


def may_read_values(held: EffectiveRoles) -> bool:
    """Return whether feature values of the environment may be read."""
    return bool(held.environment or held.application)


def may_attempt_write(held: EffectiveRoles) -> bool:
    """Return whether a write may be looked at; its parts still need their own rights."""
    return may_change_value(held) or (
        bool(held.environment & {Role.LOCK, Role.UNLOCK}) or bool(held.application & _CREATING)
    )


def may_change_value(held: EffectiveRoles) -> bool:
    """Return whether default value, strategies and retirement may be changed."""
    return Role.CHANGE_VALUE in held.environment


def may_lock(held: EffectiveRoles) -> bool:
    """Return whether a value may be locked."""
    return Role.LOCK in held.environment or bool(held.application & _CREATING_VALUES)


def may_unlock(held: EffectiveRoles) -> bool:
    """Return whether a value may be unlocked."""
    return Role.UNLOCK in held.environment or bool(held.application & _CREATING_VALUES)


def may_create_value(held: EffectiveRoles) -> bool:
    """Return whether a feature may be given its first value in the environment."""
    return may_change_value(held) or may_lock(held) or may_unlock(held)


def may_see_sdk_url(
    caller: Caller, portfolio_id: PortfolioId, held: frozenset[Role], granted: frozenset[Role]
) -> bool:
    """Return whether `caller` may see a key whose account was granted these roles.

    Members need to hold every role that the account holds in the environment.
    """
    if administers(caller, portfolio_id):
        return True
    return is_member(caller, portfolio_id) and bool(granted) and granted <= with_implied_read(held)
