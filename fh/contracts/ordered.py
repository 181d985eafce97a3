"""The features of an environment in the order of its etag: how one of them is found."""

from bisect import bisect_left
from collections.abc import Sequence

from fh.contracts.published import CacheEnvironmentFeature
from fh.model.ids import FeatureId, java_order


def sort_key(feature: CacheEnvironmentFeature) -> int:
    """Return what features are ordered by."""
    return java_order(feature.feature.id)


def place(features: Sequence[CacheEnvironmentFeature], feature_id: FeatureId) -> int:
    """Return where the feature is among the ordered `features`, or where it would be."""
    return bisect_left(features, java_order(feature_id), key=sort_key)


def is_at(features: Sequence[CacheEnvironmentFeature], at: int, feature_id: FeatureId) -> bool:
    """Return whether it is the feature at that place."""
    return at < len(features) and features[at].feature.id == feature_id


def find_feature(
    features: Sequence[CacheEnvironmentFeature], feature_id: FeatureId
) -> CacheEnvironmentFeature | None:
    """Return the feature of the ordered `features`, or None when it is none of them."""
    at = place(features, feature_id)
    return features[at] if is_at(features, at, feature_id) else None
