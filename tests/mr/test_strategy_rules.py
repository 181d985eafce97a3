import pytest
from msgspec import Raw

from fh.model.feature_type import FeatureType
from fh.mr.rollout_strategy import RolloutStrategy, RolloutStrategyAttribute
from fh.mr.strategy_rules import (
    WHOLE_PERCENTAGE,
    ListFault,
    StrategiesRefused,
    StrategyFault,
    Violation,
    check_rules,
)

_RULE = RolloutStrategyAttribute("EQUALS", "country", "STRING", (Raw(b'"at"'),))


def _strategy(percentage=None, *, rule=False) -> RolloutStrategy:
    return RolloutStrategy(
        name="n", percentage=percentage, value=Raw(b'"x"'), attributes=(_RULE,) if rule else ()
    )


def test_the_whole_range_may_be_used():
    check_rules(FeatureType.STRING, [_strategy(0), _strategy(WHOLE_PERCENTAGE), _strategy()])


@pytest.mark.parametrize(
    ("percentage", "fault"),
    [
        (-1, StrategyFault.NEGATIVE_PERCENTAGE),
        (WHOLE_PERCENTAGE + 1, StrategyFault.PERCENTAGE_OVER_100_PERCENT),
    ],
)
def test_each_faulty_strategy_is_named(percentage, fault):
    good, bad = _strategy(1), _strategy(percentage, rule=True)
    with pytest.raises(StrategiesRefused) as refused:
        check_rules(FeatureType.STRING, [good, bad])
    [faulty] = refused.value.verdict.strategies
    assert faulty.strategy is bad
    assert faulty.violations == (Violation(fault),)
    assert refused.value.verdict.faults == ()


def test_only_strategies_without_attributes_share_the_range():
    more_than_half = WHOLE_PERCENTAGE // 2 + 1
    check_rules(
        FeatureType.STRING, [_strategy(more_than_half), _strategy(more_than_half, rule=True)]
    )
    with pytest.raises(StrategiesRefused) as refused:
        check_rules(FeatureType.STRING, [_strategy(more_than_half)] * 2)
    assert refused.value.verdict.faults == (ListFault.PERCENTAGE_ADDS_OVER_100_PERCENT,)


def test_a_switch_needs_a_value_in_each_strategy():
    with pytest.raises(StrategiesRefused) as refused:
        check_rules(FeatureType.BOOLEAN, [RolloutStrategy(name="n", percentage=1)])
    assert refused.value.verdict.faults == (ListFault.BOOLEAN_HAS_NO_VALUE,)
    check_rules(FeatureType.STRING, [RolloutStrategy(name="n", percentage=1)])
