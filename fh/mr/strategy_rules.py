"""Which rollout strategies are refused, all faults together, under the contract's names.

Source: sections 6.4 and 6.5 of the admin contract; the rules for attributes are still to come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fh.contracts.published import has_value
from fh.errors import FeatureHubError
from fh.model.feature_type import FeatureType
from fh.mr.rollout_strategy import RolloutStrategy

WHOLE_PERCENTAGE: Final = 1_000_000
"""100 percent in millionths."""


class StrategyFault(StrEnum):
    """What is wrong with one strategy (`RolloutStrategyViolationType`)."""

    NEGATIVE_PERCENTAGE = "negative_percentage"
    PERCENTAGE_OVER_100_PERCENT = "percentage_over_100_percent"


class ListFault(StrEnum):
    """What is wrong with all of them together (`RolloutStrategyCollectionViolationType`)."""

    PERCENTAGE_ADDS_OVER_100_PERCENT = "percentage_adds_over_100_percent"
    BOOLEAN_HAS_NO_VALUE = "boolean_has_no_value"


@dataclass(frozen=True, slots=True)
class FaultyStrategy:
    """A strategy that breaks a rule."""

    strategy: RolloutStrategy
    faults: tuple[StrategyFault, ...]


class StrategiesRefused(FeatureHubError):
    """Strategies break the rules; every broken rule is listed."""

    def __init__(
        self, strategies: tuple[FaultyStrategy, ...], faults: tuple[ListFault, ...]
    ) -> None:
        super().__init__("The rollout strategies break the rules.")
        self.strategies = strategies
        self.faults = faults


def check_rules(feature_type: FeatureType, strategies: Sequence[RolloutStrategy]) -> None:
    """Refuse strategies that break a rule.

    Raises:
        StrategiesRefused: with all that is wrong.
    """
    faulty = tuple(
        FaultyStrategy(strategy, faults)
        for strategy in strategies
        if (faults := _strategy_faults(strategy))
    )
    together = _list_faults(feature_type, strategies)
    if faulty or together:
        raise StrategiesRefused(faulty, together)


def _strategy_faults(strategy: RolloutStrategy) -> tuple[StrategyFault, ...]:
    percentage = strategy.percentage or 0
    if percentage < 0:
        return (StrategyFault.NEGATIVE_PERCENTAGE,)
    if percentage > WHOLE_PERCENTAGE:
        return (StrategyFault.PERCENTAGE_OVER_100_PERCENT,)
    return ()


def _list_faults(
    feature_type: FeatureType, strategies: Sequence[RolloutStrategy]
) -> tuple[ListFault, ...]:
    faults: list[ListFault] = []
    if feature_type is FeatureType.BOOLEAN and not all(has_value(one.value) for one in strategies):
        faults.append(ListFault.BOOLEAN_HAS_NO_VALUE)
    # Only strategies without attributes share the range of percentages between them.
    shared = sum(one.percentage or 0 for one in strategies if not one.attributes)
    if shared > WHOLE_PERCENTAGE:
        faults.append(ListFault.PERCENTAGE_ADDS_OVER_100_PERCENT)
    return tuple(faults)
