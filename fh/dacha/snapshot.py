"""One environment at one moment, and what a published change makes of it. Pure.

The bus may deliver twice, late, or in another order than MR published; versions decide. So any
order of the same messages ends in the same snapshot.

Source: sections 5.3 and 5.9 of the data plane's contract, rulings (a) and 29.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from fh.contracts.merge import merged
from fh.contracts.ordered import find_feature, is_at, place, sort_key
from fh.contracts.published import (
    CacheEnvironment,
    CacheEnvironmentFeature,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
)
from fh.model.ids import ApplicationId, FeatureId, OrganisationId, PortfolioId

DELETED_FEATURES_KEPT = 1_000
"""How many deleted features an environment remembers."""


class EnvironmentSnapshot(Struct, frozen=True, eq=False):
    """An environment with its features, ordered as the etag of its views wants them.

    `deleted` holds the version that each feature deleted lately was deleted at, so that an older
    update that comes late doesn't bring it back.
    """

    environment: CacheEnvironment
    organisation_id: OrganisationId
    portfolio_id: PortfolioId
    application_id: ApplicationId
    features: tuple[CacheEnvironmentFeature, ...]
    deleted: Mapping[FeatureId, int]

    @classmethod
    def of(cls, message: PublishEnvironment) -> "EnvironmentSnapshot":
        """Return the environment as `message` tells it."""
        features = _in_order({each.feature.id: each for each in message.features})
        return cls(
            environment=message.environment,
            organisation_id=message.organisation_id,
            portfolio_id=message.portfolio_id,
            application_id=message.application_id,
            features=features,
            deleted=MappingProxyType({}),
        )

    def find_feature(self, feature_id: FeatureId) -> CacheEnvironmentFeature | None:
        """Return the feature, or None when the environment has no such one."""
        return find_feature(self.features, feature_id)

    def with_changes(self, changes: Iterable[PublishFeatureValue]) -> "EnvironmentSnapshot":
        """Return a copy with `changes` made; itself when none of them is news."""
        features = list(self.features)
        deleted = dict(self.deleted)
        for change in changes:
            match change.action:
                case PublishAction.CREATE | PublishAction.UPDATE:
                    _put(features, deleted, change.feature)
                case PublishAction.DELETE:
                    _delete(features, deleted, change.feature)
                case PublishAction.EMPTY:
                    pass
        return self._with(tuple(features), deleted)

    def with_environment(self, message: PublishEnvironment) -> "EnvironmentSnapshot":
        """Return a copy merged with a published environment, feature by feature.

        What the message doesn't list is gone, and what we don't know is added, unless the
        message is older than what we know: then it can only bring newer parts of known features.
        """
        known = {each.feature.id: each for each in self.features}
        if message.environment.version < self.environment.version:
            features = dict(known)
            for each in message.features:
                if (mine := known.get(each.feature.id)) is not None:
                    features[each.feature.id] = merged(mine, each)
            return self._with(_in_order(features), self.deleted)
        features = {
            each.feature.id: _newest(known.get(each.feature.id), each)
            for each in message.features
            if each.feature.version > self.deleted.get(each.feature.id, -1)
        }
        return self._renamed(message)._with(  # noqa: SLF001 - of the same class
            _in_order(features), self.deleted
        )

    def with_truth(self, message: PublishEnvironment) -> "EnvironmentSnapshot":
        """Return a copy merged with what MR answered just now.

        MR was asked after all we know had been published, so what it lists exists, and what it
        doesn't list is gone. Versions still never go back.
        """
        known = {each.feature.id: each for each in self.features}
        features = {
            each.feature.id: _newest(known.get(each.feature.id), each) for each in message.features
        }
        deleted = {key: at for key, at in self.deleted.items() if key not in features}
        older = message.environment.version < self.environment.version
        renamed = self if older else self._renamed(message)
        return renamed._with(_in_order(features), deleted)  # noqa: SLF001 - of the same class

    def _renamed(self, message: PublishEnvironment) -> "EnvironmentSnapshot":
        renamed = (
            message.environment,
            message.organisation_id,
            message.portfolio_id,
            message.application_id,
        )
        if renamed == (
            self.environment,
            self.organisation_id,
            self.portfolio_id,
            self.application_id,
        ):
            return self
        return replace(
            self,
            environment=message.environment,
            organisation_id=message.organisation_id,
            portfolio_id=message.portfolio_id,
            application_id=message.application_id,
        )

    def _with(
        self, features: tuple[CacheEnvironmentFeature, ...], deleted: Mapping[FeatureId, int]
    ) -> "EnvironmentSnapshot":
        same = features == self.features
        if same and deleted == self.deleted:
            return self
        return replace(
            self,
            features=self.features if same else features,
            deleted=MappingProxyType(dict(deleted)),
        )


def _newest(
    known: CacheEnvironmentFeature | None, listed: CacheEnvironmentFeature
) -> CacheEnvironmentFeature:
    """Return the newer parts of both; what has equal versions comes from the whole list.

    It has no version of its own for `fp`, and the list is the newer one of the two.
    """
    if known is None:
        return listed
    newest = merged(listed, known)
    return known if newest == known else newest


def _put(
    features: list[CacheEnvironmentFeature],
    deleted: Mapping[FeatureId, int],
    feature: CacheEnvironmentFeature,
) -> None:
    feature_id = feature.feature.id
    if feature.feature.version <= deleted.get(feature_id, -1):
        return
    at = place(features, feature_id)
    if is_at(features, at, feature_id):
        features[at] = merged(features[at], feature)
    else:
        features.insert(at, feature)


def _delete(
    features: list[CacheEnvironmentFeature],
    deleted: dict[FeatureId, int],
    feature: CacheEnvironmentFeature,
) -> None:
    feature_id, version = feature.feature.id, feature.feature.version
    if version > deleted.get(feature_id, -1):
        deleted.pop(feature_id, None)  # to the end: the newest are kept longest
        deleted[feature_id] = version
        if len(deleted) > DELETED_FEATURES_KEPT:
            del deleted[next(iter(deleted))]
    at = place(features, feature_id)
    if is_at(features, at, feature_id) and features[at].feature.version <= version:
        del features[at]


def _in_order(
    features: Mapping[FeatureId, CacheEnvironmentFeature],
) -> tuple[CacheEnvironmentFeature, ...]:
    return tuple(sorted(features.values(), key=sort_key))
