"""What changed between two moments, as the bus would have announced it. Pure."""

from fh.contracts.published import (
    DELETED_VERSION,
    CacheEnvironmentFeature,
    CacheServiceAccount,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.dacha.account_tables import KnownAccount
from fh.dacha.cached_truth import published_account, published_environment
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.model.ids import FeatureId


def environment_differences(
    before: EnvironmentSnapshot, after: EnvironmentSnapshot | None
) -> list[PublishEnvironment | PublishFeatureValues]:
    """Return what makes `after` of `before`; None is an environment that was deleted."""
    if after is None:
        gone = published_environment(before, PublishAction.DELETE, version=DELETED_VERSION)
        return [gone]
    if after is before:
        return []
    differences: list[PublishEnvironment | PublishFeatureValues] = []
    if after.environment != before.environment:
        differences.append(published_environment(after, PublishAction.UPDATE))
    environment_id = after.environment.id
    known = _by_id(before)
    listed = _by_id(after)
    changes = [
        PublishFeatureValue(PublishAction.UPDATE, environment_id, feature)
        for feature in after.features
        if feature != known.get(feature.feature.id)
    ]
    changes += [
        PublishFeatureValue(PublishAction.DELETE, environment_id, feature)
        for feature in before.features
        if feature.feature.id not in listed
    ]
    if changes:
        differences.append(PublishFeatureValues(tuple(changes)))
    return differences


def account_difference(
    before: KnownAccount, after: KnownAccount | None
) -> PublishServiceAccount | None:
    """Return what makes `after` of `before`; None is an account that was deleted."""
    if after is None:
        gone = CacheServiceAccount(before.id, DELETED_VERSION, "", "")
        return PublishServiceAccount(PublishAction.DELETE, gone)
    if _content(after) == _content(before):
        return None
    return PublishServiceAccount(PublishAction.UPDATE, published_account(after))


def _by_id(snapshot: EnvironmentSnapshot) -> dict[FeatureId, CacheEnvironmentFeature]:
    return {feature.feature.id: feature for feature in snapshot.features}


def _content(account: KnownAccount) -> tuple[object, ...]:
    return account.version, account.secrets, account.roles, account.filters
