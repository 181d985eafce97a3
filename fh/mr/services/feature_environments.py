"""One feature in all environments of its application, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.ids import ApplicationId, EnvironmentId
from fh.model.roles import Role
from fh.mr.access import (
    ApplicationRights,
    Caller,
    EffectiveRoles,
    effective_roles,
    holds_environment_entry,
    may_attempt_write,
    may_read_features,
)
from fh.mr.errors import DuplicateItems, Invalid, NotFound
from fh.mr.outbox import announce
from fh.mr.repositories.environments import Environment, find_environments
from fh.mr.repositories.feature_values import FeatureValue, find_values
from fh.mr.repositories.features import Feature, find_feature
from fh.mr.repositories.publishing import load_published_values
from fh.mr.repositories.service_accounts import ServiceAccount, find_accounts_in, find_permissions
from fh.mr.services.rights import application_rights
from fh.mr.services.value_writes import SentValue, ValueWrite, check_sent, write_values


@dataclass(frozen=True, slots=True)
class FeatureInEnvironment:
    """One environment of an application, and what the caller may see of a feature in it."""

    environment: Environment
    held: EffectiveRoles
    value: FeatureValue | None
    accounts: Sequence[ServiceAccount]


async def load_values_everywhere(
    tx: Transaction, caller: Caller, application_id: ApplicationId, key: str
) -> Sequence[FeatureInEnvironment]:
    """Return a feature in all environments; where the caller has no role, without its value.

    Strangers get nothing, whether there is such a feature or not.

    Raises:
        NotFound: there is no such application or feature.
    """
    rights = await application_rights(tx, caller, application_id)
    if not may_read_features(caller, rights):
        return []
    return await _everywhere(tx, caller, rights, await _feature(tx, application_id, key))


async def save_values_everywhere(
    tx: Transaction,
    caller: Caller,
    application_id: ApplicationId,
    key: str,
    sent: Sequence[tuple[EnvironmentId, SentValue]],
) -> Sequence[FeatureInEnvironment]:
    """Write a feature's values in several environments: all of them or none.

    Source: section 5.7 of the admin contract, for who may and for what comes first.

    Raises:
        DuplicateItems: an environment is named twice.
        Invalid: an environment is not the application's, or the caller may only read there.
        FeatureHubError: as `save_value`.
    """
    if len({environment_id for environment_id, _ in sent}) < len(sent):
        raise DuplicateItems("environmentId")
    rights = await application_rights(tx, caller, application_id)
    known = {found.id for found in await find_environments(tx, [application_id])}
    for index, (environment_id, _) in enumerate(sent):
        place = f"[{index}].environmentId"
        if environment_id not in known:
            raise Invalid(place, "It is no environment of this application.")
        held = effective_roles(caller, rights, environment_id)
        # Whoever sees nothing of an environment, or may only read there, changes nothing from here,
        # whatever their roles in the application.
        if not held.environment - {Role.READ} or not may_attempt_write(held):
            raise Invalid(place, "You may not change values there.")
    if not may_read_features(caller, rights):
        return []  # nothing was sent, or it would have been refused
    feature = await _feature(tx, application_id, key)
    for _, value in sent:
        check_sent(feature, value)
    writes = [ValueWrite(environment_id, feature, value) for environment_id, value in sent]
    written = await write_values(tx, caller, rights, writes)
    everywhere = await _everywhere(tx, caller, rights, feature)
    await announce(tx, *await load_published_values(tx, written))
    return everywhere


async def _feature(tx: Transaction, application_id: ApplicationId, key: str) -> Feature:
    feature = await find_feature(tx, application_id, key)
    if feature is None:
        raise NotFound("feature")
    return feature


async def _everywhere(
    tx: Transaction, caller: Caller, rights: ApplicationRights, feature: Feature
) -> Sequence[FeatureInEnvironment]:
    if not holds_environment_entry(caller, rights):
        return []
    environments = await find_environments(tx, [rights.application_id])
    held = {one.id: effective_roles(caller, rights, one.id) for one in environments}
    visible = [identifier for identifier, roles in held.items() if roles.environment]
    values = {value.environment_id: value for value in await find_values(tx, visible, [feature.id])}
    accounts = await _accounts(tx, visible)
    return [
        FeatureInEnvironment(one, held[one.id], values.get(one.id), accounts.get(one.id, ()))
        for one in environments
    ]


async def _accounts(
    tx: Transaction, environment_ids: Sequence[EnvironmentId]
) -> Mapping[EnvironmentId, Sequence[ServiceAccount]]:
    accounts = {account.id: account for account in await find_accounts_in(tx, environment_ids)}
    found: dict[EnvironmentId, list[ServiceAccount]] = {}
    for permission in await find_permissions(tx, accounts):  # by account
        found.setdefault(permission.environment_id, []).append(accounts[permission.account_id])
    return found
