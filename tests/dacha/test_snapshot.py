from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fh.contracts.published import PublishAction
from fh.dacha.snapshot import DELETED_FEATURES_KEPT, EnvironmentSnapshot
from fh.model.ids import FeatureId
from fh.wire.etag import environment_etag
from tests.dacha.world import change, environment, feature, versions

DELETE = PublishAction.DELETE


def snapshot(*features, **kwargs):
    return EnvironmentSnapshot.of(environment(*features, **kwargs))


def seen(known):
    return versions(known.features)


def test_features_stand_in_the_order_of_the_etag():
    ids = ["9cd1a3ef-d06e-4292-95d4-86ec02a3fd5b", "76b612ae-a782-4780-aeaa-597870a8c3ea",
           "95f6c09a-20e7-41e2-9014-1421682b71b1"]  # fmt: skip
    stamps = [(1, 16), (12, 1), (7, 4)]
    listed = []
    for text, (version, value_version) in zip(ids, stamps, strict=True):
        each = feature(version=version, value_version=value_version)
        each = type(each)(
            feature=type(each.feature)(
                id=FeatureId(UUID(text)), key="k", value_type=each.feature.value_type,
                version=version,
            ),
            value=each.value,
        )  # fmt: skip
        listed.append(each)
    known = snapshot(*listed)
    assert [str(each.feature.id) for each in known.features] == [ids[2], ids[0], ids[1]]
    assert environment_etag(known.features) == "2841dda75282414608ca49fdea80cf4e"
    assert environment_etag(snapshot().features) == "d41d8cd98f00b204e9800998ecf8427e"
    one_by_one = snapshot().with_changes(change(each) for each in listed)
    assert one_by_one.features == known.features


def test_a_newer_value_replaces_the_value_and_the_properties():
    known = snapshot(feature(value_version=1, value=b"true", properties={"a": "1"}))
    newer = known.with_changes([change(feature(value_version=2, value=b"false"))])
    assert seen(newer) == [("feature-1", 1, 2, b"false")]
    assert newer.features[0].properties is None
    assert environment_etag(newer.features) != environment_etag(known.features)


def test_an_equal_or_older_feature_changes_nothing():
    known = snapshot(feature(version=2, value_version=2))
    for version, value_version in [(2, 2), (1, 2), (2, 1), (1, 1), (1, None)]:
        late = feature(version=version, value_version=value_version, value=b"false")
        assert known.with_changes([change(late)]) is known


def test_the_parts_of_a_feature_are_versioned_apart():
    known = snapshot(feature(version=1, value_version=5))
    newer = known.with_changes([change(feature(version=2, value_version=3, value=b"false"))])
    assert seen(newer) == [("feature-1", 2, 5, b"true")]


def test_a_new_feature_is_added_even_without_a_value():
    newer = snapshot().with_changes([change(feature(value_version=None))])
    assert seen(newer) == [("feature-1", 1, None, None)]
    valued = newer.with_changes([change(feature(value_version=1))])
    assert seen(valued) == [("feature-1", 1, 1, b"true")]


def test_a_deleted_feature_is_gone_and_a_late_update_does_not_bring_it_back():
    known = snapshot(feature(version=1), feature(2))
    gone = known.with_changes([change(feature(version=2, value_version=None), DELETE)])
    assert seen(gone) == [("feature-2", 1, 1, b"true")]
    assert gone.find_feature(feature().feature.id) is None
    assert gone.find_feature(feature(2).feature.id) == feature(2)
    assert gone.with_changes([change(feature(version=1, value_version=9))]) is gone
    assert gone.with_environment(environment(feature(version=1), feature(2))) is gone


def test_a_feature_restored_at_a_newer_version_is_back_and_a_late_delete_does_nothing():
    delete = change(feature(version=2, value_version=None), DELETE)
    back = snapshot(feature()).with_changes([delete, change(feature(version=3))])
    assert seen(back) == [("feature-1", 3, 1, b"true")]
    assert back.with_changes([delete]) is back


def test_a_delete_that_comes_before_its_feature_keeps_it_away():
    delete = change(feature(version=2, value_version=None), DELETE)
    assert seen(snapshot().with_changes([delete, change(feature(version=2))])) == []


def test_the_memory_of_deleted_features_is_bounded():
    known = snapshot().with_changes(
        change(feature(number), DELETE) for number in range(DELETED_FEATURES_KEPT + 5)
    )
    assert len(known.deleted) == DELETED_FEATURES_KEPT
    assert feature(4).feature.id not in known.deleted


def test_empty_changes_nothing():
    known = snapshot(feature())
    assert known.with_changes([change(feature(version=9), PublishAction.EMPTY)]) is known


def test_a_whole_environment_does_not_roll_features_back():
    known = snapshot(feature(value_version=5), version=3)
    newer = known.with_environment(
        environment(feature(value_version=4, value=b"false"), feature(2), version=3)
    )
    assert seen(newer) == [("feature-1", 1, 5, b"true"), ("feature-2", 1, 1, b"true")]


def test_what_a_whole_environment_does_not_list_is_gone():
    known = snapshot(feature(), feature(2), version=3)
    newer = known.with_environment(environment(feature(2), version=3, info={"a": "b"}))
    assert seen(newer) == [("feature-2", 1, 1, b"true")]
    assert newer.environment.info == {"a": "b"}


def test_an_older_environment_removes_nothing_adds_nothing_and_brings_newer_values():
    known = snapshot(feature(), feature(2), version=3, info={"a": "new"})
    newer = known.with_environment(
        environment(
            feature(value_version=2, value=b"false"), feature(3), version=2, info={"a": "old"}
        )
    )
    assert seen(newer) == [("feature-1", 1, 2, b"false"), ("feature-2", 1, 1, b"true")]
    assert newer.environment.info == {"a": "new"}


def test_properties_without_a_version_come_from_the_whole_environment():
    known = snapshot(feature(properties={"a": "1"}))
    newer = known.with_environment(environment(feature(properties={"a": "2"})))
    assert newer.features[0].properties == {"a": "2"}
    assert environment_etag(newer.features) == environment_etag(known.features)


def test_the_same_environment_again_is_no_change():
    known = snapshot(feature(), feature(2))
    assert known.with_environment(environment(feature(2), feature())) is known
    assert known.with_truth(environment(feature(2), feature())) is known


def test_what_mr_says_now_settles_what_exists_but_takes_no_version_back():
    known = snapshot(feature(value_version=5), feature(2), version=3).with_changes(
        [change(feature(3, version=9, value_version=None), DELETE)]
    )
    newer = known.with_truth(
        environment(
            feature(value_version=4, value=b"false"), feature(3), version=2, info={"x": "y"}
        )
    )
    assert seen(newer) == [("feature-1", 1, 5, b"true"), ("feature-3", 1, 1, b"true")]
    assert newer.environment.version == 3
    assert newer.deleted == {}


@st.composite
def histories(draw):
    """Messages as MR would publish them: versions only grow, a deleted feature may come back."""
    messages = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        version, value_version = 1, draw(st.sampled_from([None, 1]))
        for step in draw(
            st.lists(st.sampled_from(["name", "value", "both", "delete"]), max_size=6)
        ):
            now = feature(
                number,
                version=version,
                value_version=value_version,
                value=b"%d" % (value_version or 0),
                properties={"p": f"{version}/{value_version}"},
            )
            messages.append(change(now))
            if step in {"name", "both"}:
                version += 1
            if step in {"value", "both"}:
                value_version = (value_version or 0) + 1
            if step == "delete":
                gone = feature(number, version=version + 1, value_version=None)
                messages.append(change(gone, DELETE))
                version += 2
    return messages


@given(data=st.data())
def test_any_order_and_duplication_of_the_same_messages_ends_in_the_same_snapshot(data):
    history = data.draw(histories())
    again = data.draw(st.lists(st.sampled_from(history), max_size=5)) if history else []
    shuffled = data.draw(st.permutations(history + again))
    in_order = snapshot().with_changes(history)
    one_by_one = snapshot()
    for each in shuffled:
        one_by_one = one_by_one.with_changes([each])
    at_once = snapshot().with_changes(shuffled)
    assert versions(one_by_one.features) == versions(in_order.features)
    assert one_by_one.features == at_once.features == in_order.features
    assert one_by_one.features == at_once.features == in_order.features
