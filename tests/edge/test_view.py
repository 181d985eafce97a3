from uuid import UUID

from edge_under_test import boolean, granted
from hypothesis import given
from hypothesis import strategies as st

from fh.edge.known import KnownFeatures
from fh.edge.view import caught_up
from fh.wire.etag import environment_etag


def known_of(*features):
    known = KnownFeatures()
    for feature in features:
        known.absorb(feature)
    return known


def test_a_view_that_is_as_new_as_what_is_known_is_returned_itself() -> None:
    view = granted([boolean("a", True, version=2), boolean("b", True)])
    assert caught_up(view, known_of(boolean("a", True, version=1), boolean("b", True))) is view


def test_newer_values_new_features_and_deletions_are_taken_over() -> None:
    view = granted([boolean("a", True), boolean("b", True)])
    newer, new = boolean("a", False, version=2), boolean("c", True)
    known = known_of(newer, new)
    known.delete(boolean("b"))
    now = caught_up(view, known)
    assert {feature.feature.key for feature in now.features} == {"a", "c"}
    assert now.etag == environment_etag(now.features) + "0"
    assert now.etag != view.etag


def test_what_the_filters_hide_stays_hidden() -> None:
    tag = UUID(int=5)
    view = granted([boolean("a", True, filters=[tag])], filters=[tag])
    hidden = boolean("hidden", True)
    assert caught_up(view, known_of(hidden)) is view


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 5)),
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 5)),
)
def test_a_view_never_goes_back(seen: dict[str, int], known: dict[str, int]) -> None:
    view = granted([boolean(key, True, version=version) for key, version in seen.items()])
    newer = known_of(*(boolean(key, True, version=version) for key, version in known.items()))
    now = caught_up(view, newer)
    versions = {feature.feature.key: feature.value.version for feature in now.features}
    for key in seen.keys() | known.keys():
        assert versions[key] == max(seen.get(key, 0), known.get(key, 0))
