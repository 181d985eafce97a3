"""A key's view, brought up to date with what is known beyond it. Pure."""

from msgspec.structs import replace

from fh.contracts.answers import Granted
from fh.contracts.merge import merged
from fh.contracts.ordered import sort_key
from fh.edge.known import KnownFeatures
from fh.wire.etag import environment_etag


def caught_up(granted: Granted, known: KnownFeatures) -> Granted:
    """Return `granted` itself if it is as new as what is known, else a view with what is newer."""
    if known.are(granted.features):
        return granted
    newest_of = {feature.feature.id: feature for feature in known}
    features = []
    changed = False
    for feature in granted.features:
        newer = newest_of.pop(feature.feature.id, None)
        if known.is_gone(feature):
            changed = True
            continue
        newest = feature if newer is None or newer is feature else merged(feature, newer)
        changed = changed or newest is not feature
        if granted.sees(newest):
            features.append(newest)
    for feature in newest_of.values():
        if granted.sees(feature):
            changed = True
            features.append(feature)
    if not changed:
        return granted
    features.sort(key=sort_key)
    etag = environment_etag(features) + ("1" if granted.extended_data else "0")
    return replace(granted, features=tuple(features), etag=etag)


def sees_differently(before: Granted, after: Granted) -> bool:
    """Return whether a stream opened with `before` can't go on with `after`."""
    return before.extended_data != after.extended_data or before.filters != after.filters
