from uuid import UUID

import pytest

from bench.baselines.frame import FEATURE_ID, FEATURE_KEY
from bench.edge_truth import feature
from bench.load.marker import ENVIRONMENT_STEP
from bench.load.outcomes import BY_STRATEGY, context_header, offset_due, value_id
from fh.wire.context_header import parse_context


def test_half_of_the_users_are_due_the_strategys_value():
    due = [offset_due(index, user_keys=True) for index in range(10_000)]
    assert set(due) == {0, BY_STRATEGY}
    assert 4_800 < due.count(BY_STRATEGY) < 5_200


def test_each_stream_tells_of_another_user():
    name, _, value = context_header(17).strip().partition(": ")
    assert name == "x-featurehub"
    assert parse_context([value]) == {"userkey": ("17",)}
    assert context_header(18) != context_header(17)


def test_each_environment_has_an_offset_of_its_own():
    due = [offset_due(index, environments=3) for index in range(6)]
    assert due == [0, ENVIRONMENT_STEP, 2 * ENVIRONMENT_STEP] * 2


def test_half_of_the_users_of_every_environment_are_due_the_strategys_value():
    due = [offset_due(index, environments=2, user_keys=True) for index in range(10_000)]
    assert set(due[1::2]) == {ENVIRONMENT_STEP, ENVIRONMENT_STEP + BY_STRATEGY}
    assert 4_800 < sum(offset >= BY_STRATEGY for offset in due) < 5_200


@pytest.mark.parametrize("place", [0, 7])
def test_the_hashed_id_is_that_of_the_published_value(place):
    value = feature(FEATURE_KEY, UUID(FEATURE_ID), 1, "", place=place).value
    assert value is not None
    assert value.id == value_id(place)
