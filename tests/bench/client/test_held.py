from bench.client.events import Event, Feature
from bench.client.held import Held


def told(*events: Event) -> Held:
    held = Held()
    for event in events:
        held.take(event)
    return held


def features(**versions: int) -> tuple[Feature, ...]:
    return tuple(Feature(key, version) for key, version in versions.items())


def test_the_newest_version_of_each_feature_is_held():
    held = told(
        Event("features", features=features(a=1, b=2)),
        Event("feature", features=features(a=2)),
        Event("ack"),
        Event("bye"),
    )
    assert (held.versions, held.complaints) == ({"a": 2, "b": 2}, [])


def test_a_version_that_goes_back_is_a_complaint_and_is_not_held():
    held = told(Event("features", features=features(a=3)), Event("feature", features=features(a=2)))
    assert held.versions == {"a": 3}
    assert held.complaints == ["a went from 3 back to 2"]


def test_a_list_without_a_feature_is_a_complaint_unless_it_was_deleted():
    listed, shorter = features(a=1, b=1), features(a=1)
    assert told(Event("features", features=listed), Event("features", features=shorter)).complaints
    deleted = Event("delete_feature", features=features(b=0))
    ended = told(Event("features", features=listed), deleted, Event("features", features=shorter))
    assert (ended.versions, ended.complaints) == ({"a": 1}, [])


def test_only_the_first_complaints_are_kept():
    back = Event("feature", features=features(a=1))
    held = told(Event("feature", features=features(a=2)), *[back] * 100)
    assert len(held.complaints) == 50
