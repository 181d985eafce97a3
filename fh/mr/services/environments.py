"""Environments: where features have values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import attrgetter

from fh.contracts.published import Published
from fh.db.port import Transaction
from fh.grouping import grouped
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationId, EnvironmentId, PersonId, ServiceAccountId
from fh.mr.access import (
    Caller,
    administers,
    is_member,
    may_see_sdk_url,
    with_implied_read,
)
from fh.mr.errors import Forbidden, Invalid, NotFound
from fh.mr.outbox import announce
from fh.mr.promotion import in_promotion_order
from fh.mr.repositories import environments as repository
from fh.mr.repositories.access import find_environment_roles
from fh.mr.repositories.applications import Application, find_application, lock_application
from fh.mr.repositories.environments import Environment, GroupRole, NewEnvironment
from fh.mr.repositories.feature_values import find_valued
from fh.mr.repositories.features import Feature, find_features, insert_switches
from fh.mr.repositories.publishing import (
    load_deleted_environments,
    load_features_of,
    load_published_environment,
)
from fh.mr.repositories.service_accounts import (
    Permission,
    ServiceAccount,
    find_accounts_in,
    find_permissions,
)
from fh.mr.sealed_settings import MANAGED_PREFIX, check_settings, sealed_values
from fh.mr.sealed_text import SealedText


@dataclass(frozen=True, slots=True)
class EnvironmentParts:
    """Which parts of environments somebody wants to see."""

    group_roles: bool = False
    features: bool = False
    details: bool = False
    accounts: bool = False
    sdk_urls: bool = False
    secrets: bool = False


@dataclass(frozen=True, slots=True)
class GrantedAccount:
    """An account with a permission in an environment, and whether its keys may be shown."""

    account: ServiceAccount
    permission: Permission
    shows_keys: bool


@dataclass(frozen=True, slots=True)
class EnvironmentDetails:
    """An environment, and the parts of it that were asked for.

    `secrets` are those in the settings of its integrations, for callers who may have them opened.
    """

    environment: Environment
    group_roles: Sequence[GroupRole] = ()
    features: Sequence[Feature] = ()
    accounts: Sequence[GrantedAccount] | None = None
    secrets: Mapping[str, SealedText] = field(default_factory=dict)


async def find_environments(
    tx: Transaction,
    caller: Caller,
    application_id: ApplicationId,
    name_part: str | None,
    parts: EnvironmentParts,
) -> Sequence[EnvironmentDetails]:
    """Return an application's environments in promotion order; none to strangers."""
    application = await find_application(tx, application_id)
    if application is None or not is_member(caller, application.portfolio_id):
        return []
    ordered = in_promotion_order(await repository.find_environments(tx, [application_id]))
    wanted = (name_part or "").lower()
    found = [environment for environment in ordered if wanted in environment.name.lower()]
    return await with_parts(tx, caller, found, replace(parts, accounts=False, sdk_urls=False))


async def load_environment(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId, parts: EnvironmentParts
) -> EnvironmentDetails:
    """Return one environment.

    Raises:
        Forbidden: there is none such, or the caller does not belong to its portfolio.
    """
    environment = await repository.find_environment(tx, environment_id)
    if environment is None or not is_member(caller, environment.portfolio_id):
        raise Forbidden("There is no such environment, or you may not see it.")
    [details] = await with_parts(tx, caller, [environment], parts)
    return details


async def create_environment(
    tx: Transaction, caller: Caller, application_id: ApplicationId, new: NewEnvironment
) -> EnvironmentDetails:
    """Create an environment; without a prior one it comes last.

    Raises:
        Forbidden: the caller does not administer the portfolio.
        NotFound: there is no such application.
        AlreadyExists: the application has an environment of that name.
        Invalid: the name is blank, or the prior environment is of another application.
    """
    application = await lock_application(tx, application_id)
    if application is None:
        raise NotFound("application") if caller.superuser else Forbidden
    if not administers(caller, application.portfolio_id):
        raise Forbidden
    environment_id = await add_environment(tx, application, new, caller.person_id)
    await announce(tx, *await load_announcements(tx, environment_id))
    created = await repository.find_environment(tx, environment_id)
    assert created is not None, "it was just written"
    return EnvironmentDetails(created)


async def add_environment(
    tx: Transaction, application: Application, new: NewEnvironment, author: PersonId
) -> EnvironmentId:
    """Write an environment of a locked application, with a value for each of its switches.

    Raises:
        AlreadyExists: the application has an environment of that name.
        Invalid: the name is blank, or the prior environment is of another application.
    """
    if not (name := new.name.strip()):
        raise Invalid("name", "An environment needs a name.")
    siblings = in_promotion_order(await repository.find_environments(tx, [application.id]))
    prior_id = new.prior_id
    if prior_id is None:
        prior_id = siblings[-1].id if siblings else None
    elif prior_id not in {sibling.id for sibling in siblings}:
        raise Invalid("priorEnvironmentId", "It is no environment of this application.")
    new = replace(new, name=name, prior_id=prior_id, information=users_own(new.information))
    environment_id = await repository.insert_environment(tx, application.id, new)
    features = await find_features(tx, [application.id])
    await insert_switches(tx, [feature.id for feature in features], [environment_id], author)
    return environment_id


async def load_announcements(
    tx: Transaction, environment_id: EnvironmentId
) -> Sequence[Published | None]:
    """Return what a new environment is announced with: itself, then each of its switches."""
    environment = await load_published_environment(tx, environment_id)
    switches = await load_features_of(tx, environment_id, FeatureType.BOOLEAN)
    return [environment, *switches]


async def delete_environment(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId
) -> bool:
    """Archive an environment; return False to those who may not, and when there is none."""
    environment = await repository.find_environment(tx, environment_id)
    if environment is None or not administers(caller, environment.portfolio_id):
        return False
    await lock_application(tx, environment.application_id)
    if not await repository.archive_environment(tx, environment_id, datetime.now(UTC)):
        return False
    await announce(tx, *await load_deleted_environments(tx, [environment_id]))
    return True


def users_own(information: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Return the information that users may set themselves.

    Raises:
        Invalid: it is out of bounds.
    """
    if information is None:
        return None
    check_settings("environmentInfo", information)
    return {key: text for key, text in information.items() if not key.startswith(MANAGED_PREFIX)}


async def with_parts(
    tx: Transaction, caller: Caller, environments: Sequence[Environment], parts: EnvironmentParts
) -> Sequence[EnvironmentDetails]:
    """Return each environment with the parts that `caller` wants, as far as they may see them."""
    ids = [environment.id for environment in environments]
    group_roles = grouped(
        await repository.find_group_roles(tx, ids) if parts.group_roles else (),
        attrgetter("environment_id"),
    )
    features = await _features_with_value(tx, environments) if parts.features else {}
    accounts: Mapping[EnvironmentId, Sequence[GrantedAccount]] | None = None
    if parts.accounts or parts.sdk_urls:
        accounts = await _accounts(tx, caller, environments)
    return [
        EnvironmentDetails(
            environment,
            group_roles=group_roles.get(environment.id, ()),
            features=features.get(environment.id, ()),
            accounts=None if accounts is None else accounts.get(environment.id, ()),
            secrets=sealed_values(environment.webhook_information)
            if parts.secrets and administers(caller, environment.portfolio_id)
            else {},
        )
        for environment in environments
    ]


async def _features_with_value(
    tx: Transaction, environments: Sequence[Environment]
) -> Mapping[EnvironmentId, Sequence[Feature]]:
    applications = sorted({environment.application_id for environment in environments})
    features = {feature.id: feature for feature in await find_features(tx, applications)}
    found: dict[EnvironmentId, list[Feature]] = {}
    valued = await find_valued(tx, [environment.id for environment in environments])
    for environment_id, feature_id in valued:
        if feature_id in features:
            found.setdefault(environment_id, []).append(features[feature_id])
    return found


async def _accounts(
    tx: Transaction, caller: Caller, environments: Sequence[Environment]
) -> Mapping[EnvironmentId, Sequence[GrantedAccount]]:
    by_id = {environment.id: environment for environment in environments}
    accounts: dict[ServiceAccountId, ServiceAccount] = {
        account.id: account for account in await find_accounts_in(tx, by_id)
    }
    held = await find_environment_roles(tx, caller, {one.application_id for one in environments})
    found: dict[EnvironmentId, list[GrantedAccount]] = {}
    for permission in await find_permissions(tx, accounts):
        if permission.environment_id not in by_id:
            continue
        account = accounts[permission.account_id]
        shows_keys = may_see_sdk_url(
            caller,
            account.portfolio_id,
            held.get(permission.environment_id, frozenset()),
            with_implied_read(permission.roles),
        )
        granted = GrantedAccount(account, permission, shows_keys)
        found.setdefault(permission.environment_id, []).append(granted)
    return found
