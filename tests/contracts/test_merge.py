import random
from functools import reduce
from itertools import permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fh.contracts.merge import merged
from fh.contracts.published import CacheEnvironmentFeature, CacheFeature, CacheFeatureValue
from fh.model.feature_type import FeatureType
from fh.model.ids import FeatureId, FeatureValueId


def feature(
    version: int, value_version: int | None, properties: dict[str, str] | None = None
) -> CacheEnvironmentFeature:
    """A feature whose parts tell their versions by what they hold."""
    return CacheEnvironmentFeature(
        feature=CacheFeature(
            id=FeatureId(UUID(int=1)),
            key=f"key-{version}",
            value_type=FeatureType.BOOLEAN,
            version=version,
        ),
        value=None
        if value_version is None
        else CacheFeatureValue(
            id=FeatureValueId(UUID(int=2)),
            key=f"value-{value_version}",
            locked=False,
            version=value_version,
        ),
        properties=properties,
    )


def versions(of: CacheEnvironmentFeature) -> tuple[int, int | None]:
    """The versions, after a look that each part came over whole."""
    assert of.feature.key == f"key-{of.feature.version}"
    assert of.value is None or of.value.key == f"value-{of.value.version}"
    return of.feature.version, None if of.value is None else of.value.version


VERSIONS = st.integers(min_value=0, max_value=4)
FEATURES = st.builds(feature, VERSIONS, st.none() | VERSIONS)


@given(features=st.lists(FEATURES, min_size=1, max_size=6), seed=st.integers())
def test_any_order_and_any_duplicates_end_at_the_newest_of_both_parts(
    features: list[CacheEnvironmentFeature], seed: int
) -> None:
    shuffled = features * 2
    random.Random(seed).shuffle(shuffled)
    values = [each.value.version for each in features if each.value is not None]
    assert versions(reduce(merged, shuffled)) == (
        max(each.feature.version for each in features),
        max(values, default=None),
    )


def test_what_one_writer_wrote_converges_with_its_properties() -> None:
    history = [
        feature(1, None, {"at": "0"}),
        feature(1, 1, {"at": "1"}),
        feature(2, 1, {"at": "2"}),
        feature(2, 2),
    ]
    for order in permutations(history):
        assert reduce(merged, order) == history[-1]


def test_a_newer_name_does_not_roll_a_value_back() -> None:
    assert versions(merged(feature(1, 7), feature(2, 3))) == (2, 7)


def test_a_newer_value_does_not_roll_a_name_back() -> None:
    assert versions(merged(feature(5, 1), feature(4, 2))) == (5, 2)


def test_a_first_value_is_newer_than_none() -> None:
    assert versions(merged(feature(1, None), feature(1, 0))) == (1, 0)


def test_a_feature_without_value_takes_no_value_away() -> None:
    assert versions(merged(feature(1, 3), feature(2, None))) == (2, 3)


@given(known=FEATURES)
def test_nothing_newer_is_the_known_one_itself(known: CacheEnvironmentFeature) -> None:
    assert merged(known, known) is known
    again = feature(*versions(known), {"other": "properties"})
    assert merged(known, again) is known


def test_properties_come_with_either_part() -> None:
    known = feature(1, 1, {"a": "old"})
    assert merged(known, feature(2, 1, {"a": "new"})).properties == {"a": "new"}
    assert merged(known, feature(1, 2, {"a": "new"})).properties == {"a": "new"}
    assert merged(known, feature(1, 2)).properties is None
