from uuid import UUID

import pytest

from fh.model.feature_type import FeatureType
from fh.mr.group_changes import affected_features, same_content
from fh.mr.repositories.feature_groups import GroupContent
from fh.mr.rollout_strategy import RolloutStrategy

IDS = {letter: UUID(int=number) for number, letter in enumerate("abc", 1)}
TYPES = dict.fromkeys(IDS.values(), FeatureType.NUMBER)
STRATEGY = (RolloutStrategy(id="!aaa", name="n", percentage=1),)
REPAINTED = (RolloutStrategy(id="!aaa", name="m", percentage=1, colouring=3, avatar="a"),)
OTHER = (RolloutStrategy(id="!aaa", name="n", percentage=2),)


def _group(members: str, strategies=STRATEGY, **more) -> GroupContent:
    """Return a group with members from `a1 b2`: the feature's letter and its value."""
    known = {"name": "n", "description": "", "position": 10, **more}
    values = {IDS[word[0]]: word[1:] or None for word in members.split()}
    return GroupContent(**known, strategies=strategies, members=values)


@pytest.mark.parametrize(
    ("before", "after", "affected"),
    [
        (_group("a1 b2"), _group("a1 b2"), ""),
        (_group("a1 b2"), _group("a1.0 b2"), ""),
        (_group("a1 b2"), _group("a3 b2"), "a"),
        (_group("a1"), _group("a"), "a"),
        (_group("a1 b2"), _group("b2 c3"), "ac"),
        (_group("a1 b2"), _group("a1 b2", name="new", description="d"), ""),
        (_group("a1 b2"), _group("a1 b2", OTHER), "ab"),
        (_group("a1 b2"), _group("a1 b2", REPAINTED), ""),
        (_group("a1 b2"), _group("a1 b3", REPAINTED), "b"),
        (_group("a1 b2"), _group("b2 c3", OTHER), "abc"),
        (_group("a1 b2"), _group("a1 b2", ()), "ab"),
        (_group("a1 b2", ()), _group("a1 b2"), "ab"),
        (_group("a1 b2"), _group("a1 b2", position=20), "ab"),
        (_group("a1 b2", ()), _group("a1 b2", (), position=20), ""),
        (_group("a1 b2", ()), _group("a3 b2", ()), "a"),
    ],
)
def test_who_sees_something_of_a_change(before, after, affected):
    assert affected_features(before, after, TYPES) == {IDS[letter] for letter in affected}


@pytest.mark.parametrize(
    ("after", "same"),
    [
        (_group("a1.0"), True),
        (_group("a2"), False),
        (_group("a1", name="m"), False),
        (_group("a1", description="m"), False),
        (_group("a1", position=11), False),
        (_group("a1", OTHER), False),
        (_group("a1", REPAINTED), False),
    ],
)
def test_what_is_nothing_to_save(after, same):
    assert same_content(_group("a1"), after, TYPES) is same
