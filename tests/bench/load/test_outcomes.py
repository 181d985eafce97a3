from bench.baselines.frame import FEATURE_ID, FEATURE_KEY
from bench.edge_truth import feature
from bench.load.outcomes import BY_STRATEGY, VALUE_ID, context_header, offset_due
from fh.wire.context_header import parse_context


def test_half_of_the_users_are_due_the_strategys_value():
    due = [offset_due(index) for index in range(10_000)]
    assert set(due) == {0, BY_STRATEGY}
    assert 4_800 < due.count(BY_STRATEGY) < 5_200


def test_each_stream_tells_of_another_user():
    name, _, value = context_header(17).strip().partition(": ")
    assert name == "x-featurehub"
    assert parse_context([value]) == {"userkey": ("17",)}
    assert context_header(18) != context_header(17)


def test_the_hashed_id_is_that_of_the_published_value():
    value = feature(FEATURE_KEY, FEATURE_ID, 1, "").value
    assert value is not None
    assert value.id == VALUE_ID
