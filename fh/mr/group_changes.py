"""Which features see something of a change of a feature group.

Source: section 7.1 of the admin contract, and three things beside it: of a strategy only what SDKs
get of it counts, as with application strategies; who leaves a group in the request that changes its
strategy sees that, too; and so do all members when the group moves before or behind others, as the
first strategy that matches counts.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from fh.model.feature_type import FeatureType
from fh.model.ids import FeatureId
from fh.mr.repositories.feature_groups import GroupContent
from fh.mr.rollout_strategy import Strategies, comparable, published_strategy
from fh.mr.values import same_value


def same_content(
    before: GroupContent, after: GroupContent, types: Mapping[FeatureId, FeatureType]
) -> bool:
    """Return whether there is nothing to save; `types` are those of all members of both."""
    said = (before.name, before.description, before.position)
    return (
        said == (after.name, after.description, after.position)
        and same_strategies(before.strategies, after.strategies)
        and not changed_members(before, after, types)
    )


def affected_features(
    before: GroupContent, after: GroupContent, types: Mapping[FeatureId, FeatureType]
) -> AbstractSet[FeatureId]:
    """Return the features whose values need a next version."""
    if _seen_by_sdks(before.strategies) != _seen_by_sdks(after.strategies) or (
        after.strategies and before.position != after.position
    ):
        return before.members.keys() | after.members.keys()
    return changed_members(before, after, types)


def changed_members(
    before: GroupContent, after: GroupContent, types: Mapping[FeatureId, FeatureType]
) -> AbstractSet[FeatureId]:
    """Return the features that joined, left, or have another value in the group."""
    kept = before.members.keys() & after.members.keys()
    same = {
        feature
        for feature in kept
        if same_value(types[feature], before.members[feature], after.members[feature])
    }
    return (before.members.keys() | after.members.keys()) - same


def same_strategies(one: Strategies, other: Strategies) -> bool:
    """Return whether two lists of strategies mean the same."""
    return [*map(comparable, one)] == [*map(comparable, other)]


def _seen_by_sdks(strategies: Strategies) -> object:
    return [*map(published_strategy, strategies)]
