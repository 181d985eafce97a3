"""A key's view, brought up to date with what is known beyond it. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from fh.contracts.answers import Granted
from fh.contracts.merge import merged
from fh.contracts.published import CacheEnvironmentFeature
from fh.model.ids import FeatureId, signed_halves
from fh.wire.etag import environment_etag


def caught_up(
    granted: Granted,
    known: Mapping[FeatureId, CacheEnvironmentFeature],
    gone: Mapping[FeatureId, int],
) -> Granted:
    """Return `granted` itself if it is as new as `known`, else a view with what is newer."""
    features: list[CacheEnvironmentFeature] = []
    changed = False
    ids: set[FeatureId] = set()
    for feature in granted.features:
        feature_id = feature.feature.id
        ids.add(feature_id)
        if feature.feature.version <= gone.get(feature_id, -1):
            changed = True
            continue
        newer = known.get(feature_id)
        newest = feature if newer is None or newer is feature else merged(feature, newer)
        changed = changed or newest is not feature
        if granted.sees(newest):
            features.append(newest)
    for feature_id, feature in known.items():
        if feature_id not in ids and granted.sees(feature):
            changed = True
            features.append(feature)
    if not changed:
        return granted
    features.sort(key=lambda feature: signed_halves(feature.feature.id))
    etag = environment_etag(features) + ("1" if granted.extended_data else "0")
    return replace(granted, features=tuple(features), etag=etag)


def sees_differently(before: Granted, after: Granted) -> bool:
    """Return whether a stream opened with `before` can't go on with `after`."""
    return before.extended_data != after.extended_data or before.filters != after.filters
