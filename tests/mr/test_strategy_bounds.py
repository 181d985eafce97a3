import msgspec
import pytest
from msgspec import Raw

from fh.mr.errors import Invalid
from fh.mr.rollout_strategy import (
    Conditional,
    FieldType,
    RolloutStrategy,
    RolloutStrategyAttribute,
)
from fh.mr.strategy_bounds import (
    LARGEST_BYTES,
    MOST_PATTERNS,
    MOST_STRATEGIES,
    MOST_VALUES,
    check_bounds,
)


def _rule(values: int, conditional: Conditional = Conditional.EQUALS) -> RolloutStrategyAttribute:
    return RolloutStrategyAttribute(
        conditional, "country", FieldType.STRING, values=(Raw(b'"x"'),) * values
    )


def _strategy(*rules: RolloutStrategyAttribute) -> RolloutStrategy:
    return RolloutStrategy(attributes=rules)


def _heavy(more: int) -> RolloutStrategy:
    """Return a strategy that takes as many bytes as there may be in a list, and `more`."""
    around = len(msgspec.json.encode([RolloutStrategy(value=Raw(b'""'))]))
    room = LARGEST_BYTES - around
    return RolloutStrategy(value=Raw(b'"' + b"x" * (room + more) + b'"'))


@pytest.mark.parametrize(
    "strategies",
    [
        pytest.param([], id="none"),
        pytest.param([RolloutStrategy()] * MOST_STRATEGIES, id="strategies"),
        pytest.param([_strategy(*[_rule(MOST_VALUES)] * 3)] * 3, id="values"),
        pytest.param([_strategy(_rule(MOST_PATTERNS, Conditional.REGEX))], id="patterns"),
        pytest.param([_heavy(0)], id="bytes"),
        pytest.param([RolloutStrategy(attributes=None)], id="no-rules"),
    ],
)
def test_what_fits_is_let_through(strategies):
    check_bounds(strategies)


@pytest.mark.parametrize(
    ("strategies", "place"),
    [
        pytest.param(
            [RolloutStrategy()] * (MOST_STRATEGIES + 1), "rolloutStrategies", id="strategies"
        ),
        pytest.param(
            [_strategy(), _strategy(_rule(1), _rule(MOST_VALUES + 1))],
            "rolloutStrategies[1].attributes[1].values",
            id="values",
        ),
        pytest.param(
            [_strategy(_rule(1, Conditional.REGEX), _rule(MOST_PATTERNS, Conditional.REGEX))],
            "rolloutStrategies",
            id="patterns-of-two-rules",
        ),
        pytest.param(
            [_strategy(_rule(1, Conditional.REGEX))] * (MOST_PATTERNS + 1),
            "rolloutStrategies",
            id="patterns-of-many-strategies",
        ),
        pytest.param([_heavy(1)], "rolloutStrategies", id="bytes"),
    ],
)
def test_more_is_refused_where_it_is(strategies, place):
    with pytest.raises(Invalid) as refused:
        check_bounds(strategies)
    assert refused.value.field == place
