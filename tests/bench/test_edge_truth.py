from uuid import UUID

from bench.baselines.frame import ENVIRONMENT_ID, SECRET
from bench.edge_truth import BenchTruth, keys, published
from bench.load.marker import padded_value, scan
from bench.load.outcomes import BY_STRATEGY
from fh.model.ids import EnvironmentId


async def test_the_key_opens_every_environment_there_is_and_no_other():
    first, second = keys(2)
    truth = BenchTruth(2, 3)
    account = await truth.load_account(SECRET)
    assert {each.environment_id for each in account.permissions} == {
        first.environment_id,
        second.environment_id,
    }
    assert await truth.load_account("another") is None
    environment = await truth.load_environment(second.environment_id)
    assert len(environment.features) == 3
    assert await truth.load_environment(keys(3)[-1].environment_id) is None


def test_the_first_environment_is_the_one_that_a_stream_alone_is_in():
    assert keys(1)[0].environment_id == EnvironmentId(UUID(ENVIRONMENT_ID))


def test_an_order_without_a_marker_publishes_nothing():
    assert published(b"hello\n") is None


def test_half_of_all_get_a_value_as_long_with_a_marker_of_its_own():
    event = published(padded_value(17, 40).encode(), evaluates=True)
    value = event.features[0].feature.value
    [strategy] = value.rollout_strategies
    assert len(strategy.value) == len(value.value)
    assert scan(bytes(strategy.value)) == ([17 + BY_STRATEGY], b"")
    assert (scan(bytes(value.value)), value.version) == (([17], b""), 17)
