from edge_under_test import boolean, granted
from hypothesis import given
from hypothesis import strategies as st

from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.known import KnownFeatures


def view(*features: CacheEnvironmentFeature) -> tuple[CacheEnvironmentFeature, ...]:
    return granted(features).features


def test_the_first_view_is_taken_as_it_is() -> None:
    known, features = KnownFeatures(), view(boolean("a", True), boolean("b", True))
    assert known.take_over(features) == [(None, feature) for feature in features]
    assert known.are(features)
    assert known.take_over(features) == []


def test_what_is_announced_before_the_view_with_it_is_one_change() -> None:
    known = KnownFeatures()
    old, newest = boolean("b", True), boolean("b", False, version=2)
    known.take_over(view(boolean("a", True), old))
    (kept,) = [feature for feature in known if feature.feature.key == "a"]
    assert known.absorb(newest) == [(old, newest)]
    assert known.absorb(old) == []
    later = view(kept, newest)
    assert not known.are(later)
    assert known.take_over(later) == []
    assert known.are(later)


def test_what_is_gone_comes_back_only_with_a_newer_version() -> None:
    known, old = KnownFeatures(), boolean("a", True)
    known.take_over(view(old, boolean("b", True)))
    assert known.delete(old) == [(old, None)]
    assert known.delete(old) == []
    assert known.take_over(view(old, boolean("b", True), boolean("c", True))) == [
        (None, boolean("c", True))
    ]
    assert {feature.feature.key for feature in known} == {"b", "c"}


def test_a_view_without_what_was_deleted_becomes_the_ground() -> None:
    known, deleted, left = KnownFeatures(), boolean("a", True), boolean("b", True)
    known.take_over(view(deleted, left))
    known.delete(deleted)
    later = view(left)
    assert known.take_over(later) == []
    assert known.are(later)
    assert known.find(deleted.feature.id) is None


def test_a_view_that_filters_narrow_hides_nothing_from_others() -> None:
    known = KnownFeatures()
    whole = view(boolean("a", True), boolean("b", True))
    known.take_over(whole)
    assert known.take_over(whole[:1]) == []
    assert known.are(whole)


views = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), max_size=4)


@given(st.lists(st.tuples(st.sampled_from(["view", "event"]), views)))
def test_it_ends_with_the_newest_of_all_that_it_was_told(
    told: list[tuple[str, dict[str, int]]],
) -> None:
    known = KnownFeatures()
    expected: dict[str, int] = {}
    for kind, versions in told:
        features = view(*(boolean(key, True, version=at) for key, at in versions.items()))
        if kind == "view":
            changes = known.take_over(features)
        else:
            changes = [change for feature in features for change in known.absorb(feature)]
        newer = {key for key, at in versions.items() if at > expected.get(key, 0)}
        assert {newest.feature.key for _, newest in changes if newest} == newer
        expected |= {key: versions[key] for key in newer}
        now = {feature.feature.key: feature.value.version for feature in known if feature.value}
        assert now == expected
