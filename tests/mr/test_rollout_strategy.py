from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from fh.model.feature_type import FeatureType
from fh.mr.errors import Invalid
from fh.mr.rollout_strategy import (
    RolloutStrategy,
    check_values,
    comparable,
    decode_strategies,
    encode_strategies,
    new_strategy_id,
    published_strategy,
    with_ids,
)

_RULE = {"conditional": "EQUALS", "fieldName": "country", "type": "STRING"}


def _strategy(**members) -> RolloutStrategy:
    return msgspec.json.decode(msgspec.json.encode(members), type=RolloutStrategy)


def _numbered():
    numbers = count()
    return lambda: f"n{next(numbers)}"


def test_missing_long_and_repeated_ids_are_replaced():
    given_ids = ["a", None, "too-long", "a", ""]
    strategies = [_strategy(id=one) for one in given_ids]
    assert [one.id for one in with_ids(strategies, _numbered())] == ["a", "n0", "n1", "n2", "n3"]


def test_new_ids_avoid_those_in_use():
    strategies = [_strategy(id=None), _strategy(id="n0")]
    assert [one.id for one in with_ids(strategies, _numbered())] == ["n1", "n0"]


def test_attributes_get_ids_too():
    [strategy] = with_ids([_strategy(attributes=[_RULE, {**_RULE, "id": "b"}])], _numbered())
    assert [one.id for one in strategy.attributes or ()] == ["n1", "b"]


@given(st.lists(st.one_of(st.none(), st.text(max_size=6)), max_size=8))
def test_ids_end_up_short_and_unique(given_ids):
    ids = [one.id for one in with_ids([_strategy(id=i) for i in given_ids], new_strategy_id)]
    assert len(set(ids)) == len(ids)
    assert all(one and len(one) <= 4 for one in ids)
    assert [one.id for one in with_ids([_strategy(id=i) for i in ids], new_strategy_id)] == ids


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"value": 1}, {"value": 1.0}, True),
        ({"value": 1}, {"value": True}, False),
        ({"value": "1"}, {"value": 1}, False),
        ({"value": None}, {}, True),
        ({"attributes": None}, {"attributes": []}, True),
        ({"disabled": None}, {"disabled": False}, True),
        ({"name": "a"}, {"name": "b"}, False),
        ({"colouring": 1}, {}, False),
        (
            {"attributes": [{**_RULE, "values": [1]}]},
            {"attributes": [{**_RULE, "values": []}]},
            False,
        ),
    ],
)
def test_strategies_are_compared_by_what_they_mean(one, other, same):
    assert (comparable(_strategy(**one)) == comparable(_strategy(**other))) is same


def test_stored_strategies_come_back():
    strategies = (_strategy(id="a", name="n", value=1.5, attributes=[{**_RULE, "values": ["x"]}]),)
    back = decode_strategies(encode_strategies(strategies))
    assert [comparable(one) for one in back] == [comparable(one) for one in strategies]


@pytest.mark.parametrize(
    ("feature_type", "value", "fits"),
    [
        (FeatureType.BOOLEAN, True, True),
        (FeatureType.BOOLEAN, "true", False),
        (FeatureType.STRING, "x", True),
        (FeatureType.STRING, 1, False),
        (FeatureType.NUMBER, 1.5, True),
        (FeatureType.NUMBER, "1", False),
        (FeatureType.JSON, "{}", True),
        (FeatureType.JSON, {}, False),
        (FeatureType.STRING, None, True),
    ],
)
def test_values_must_be_of_the_features_type(feature_type, value, fits):
    strategies = [_strategy(value=value)]
    if fits:
        check_values(feature_type, strategies)
    else:
        with pytest.raises(Invalid) as refused:
            check_values(feature_type, strategies)
        assert refused.value.field == "rolloutStrategies[0].value"


def test_what_attribute_values_are_is_left_to_the_rules():
    values = ["a", -1, True, None, {}]
    check_values(FeatureType.STRING, [_strategy(attributes=[{**_RULE, "values": values}])])


@pytest.mark.parametrize("raw", [b"1e-400", b"0e-400", b"0e400", b"-0.1e-397"])
def test_a_number_is_no_longer_without_its_exponent(raw):
    with pytest.raises(Invalid) as refused:
        check_values(FeatureType.NUMBER, [RolloutStrategy(value=Raw(raw))])
    assert str(refused.value) == "The number has too many digits."


@pytest.mark.parametrize("raw", [b"1e-324", b"-1.5E-300", b"0.0001e308", b"1e308", b"0E-9"])
def test_any_double_is_a_number(raw):
    check_values(FeatureType.NUMBER, [RolloutStrategy(value=Raw(raw))])


@pytest.mark.parametrize("raw", [b'"\xff"', b"1e999"])
def test_what_could_not_be_published_is_refused(raw):
    with pytest.raises(Invalid):
        check_values(FeatureType.STRING, [RolloutStrategy(value=Raw(raw))])
    rule = msgspec.convert({**_RULE, "values": [Raw(raw)]}, type=dict)
    attribute = _strategy(attributes=[_RULE]).attributes[0]
    faulty = msgspec.structs.replace(attribute, values=tuple(rule["values"]))
    with pytest.raises(Invalid):
        check_values(FeatureType.STRING, [RolloutStrategy(attributes=(faulty,))])


def test_sdks_get_what_they_need_and_no_more():
    strategy = _strategy(
        id="a",
        name="n",
        percentage=5,
        avatar="x",
        colouring=1,
        value="v",
        attributes=[{**_RULE, "id": "b", "values": ["x"]}],
    )
    assert msgspec.json.decode(msgspec.json.encode(published_strategy(strategy))) == {
        "id": "a",
        "percentage": 5,
        "percentageAttributes": [],
        "value": "v",
        "attributes": [{**_RULE, "values": ["x"]}],
    }


def test_a_strategy_without_id_is_published_under_the_documented_one():
    assert published_strategy(_strategy()).id == "rs-id"
