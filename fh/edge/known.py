"""What the streams of one environment were sent: the newest version of every feature.

A view of Dacha's is the ground, shared with Dacha; what is newer, or gone, lies on top. As soon as
a view holds all of that, it becomes the ground. So an environment that Dacha keeps anyway weighs
next to nothing here, and whether a key's view is up to date is seen at one glance.
"""

from collections.abc import Iterator

from fh.contracts.answers import Granted
from fh.contracts.merge import merged
from fh.contracts.ordered import find_feature
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.changes import Change
from fh.model.ids import FeatureId


class KnownFeatures:
    """The features of an environment, none of which ever goes back.

    Attributes:
        changes: How often something changed.
    """

    __slots__ = ("_gone", "_ground", "_newer", "changes")

    def __init__(self) -> None:
        self._ground: tuple[CacheEnvironmentFeature, ...] = ()
        self._newer: dict[FeatureId, CacheEnvironmentFeature | None] | None = None  # None: gone
        self._gone: dict[FeatureId, int] | None = None  # the version at which it went
        self.changes = 0

    def __iter__(self) -> Iterator[CacheEnvironmentFeature]:
        newer = self._newer
        if newer is None:
            yield from self._ground
            return
        for feature in self._ground:
            if feature.feature.id not in newer:
                yield feature
        for changed in newer.values():
            if changed is not None:
                yield changed

    def find(self, feature_id: FeatureId) -> CacheEnvironmentFeature | None:
        """Return the newest version of a feature, or None."""
        if self._newer is not None and feature_id in self._newer:
            return self._newer[feature_id]
        return find_feature(self._ground, feature_id)

    def is_gone(self, feature: CacheEnvironmentFeature) -> bool:
        """Return whether the feature was deleted, at that version or later."""
        return self._gone is not None and feature.feature.version <= self._gone.get(
            feature.feature.id, -1
        )

    def are(self, features: tuple[CacheEnvironmentFeature, ...]) -> bool:
        """Return whether a view's `features` are known to be all, and the newest."""
        return self._newer is None and features is self._ground

    def absorb(self, feature: CacheEnvironmentFeature) -> list[Change]:
        """Take over what is newer in `feature`; return what that changes."""
        if self.is_gone(feature):
            return []
        feature_id = feature.feature.id
        if self._gone is not None:
            self._gone.pop(feature_id, None)
        known = self.find(feature_id)
        newest = feature if known is None else merged(known, feature)
        if newest is known:
            return []
        self._put(feature_id, newest)
        return [(known, newest)]

    def delete(self, feature: CacheEnvironmentFeature) -> list[Change]:
        """Take a feature out; return what that changes."""
        feature_id = feature.feature.id
        known = self.find(feature_id)
        version = max(feature.feature.version, known.feature.version if known else -1)
        gone = self._gone = self._gone or {}
        if version <= gone.get(feature_id, -1):
            return []
        gone[feature_id] = version
        self._put(feature_id, None)
        return [(known or feature, None)]

    def take_over(self, features: tuple[CacheEnvironmentFeature, ...]) -> list[Change]:
        """Take over what is newer in a view's `features`; return what that changes."""
        ground = self._ground
        if features is ground:
            return []
        if not ground and self._newer is None and self._gone is None:
            self._ground = features
            self.changes += len(features)
            return [(None, feature) for feature in features]
        if len(features) == len(ground):
            differing = [
                (mine, theirs)
                for mine, theirs in zip(ground, features, strict=True)
                if mine is not theirs
            ]
            changes = [change for _, theirs in differing for change in self.absorb(theirs)]
            newer = self._newer or {}
            is_all = len(newer) == len(differing) and all(
                newer.get(theirs.feature.id) is theirs and mine.feature.id == theirs.feature.id
                for mine, theirs in differing
            )
        else:
            changes = [change for feature in features for change in self.absorb(feature)]
            known = {feature.feature.id: feature for feature in self}
            is_all = len(known) == len(features) and all(
                known.get(feature.feature.id) is feature for feature in features
            )
        if is_all:
            self._ground, self._newer = features, None
        return changes

    def lose(self, newest: Granted) -> list[Change]:
        """Take out what Dacha's newest view lists no more; return what that changes."""
        listed = {feature.feature.id for feature in newest.features}
        return [
            change
            for feature in tuple(self)
            if feature.feature.id not in listed and newest.sees(feature)
            for change in self.delete(feature)
        ]

    def _put(self, feature_id: FeatureId, newest: CacheEnvironmentFeature | None) -> None:
        if self._newer is None:
            self._newer = {}
        self._newer[feature_id] = newest
        self.changes += 1
