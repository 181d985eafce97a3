"""Which rollout strategies are refused, all faults together, under the contract's names.

Source: sections 6.4 and 6.5 of the admin contract.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from fh.contracts.published import has_value
from fh.errors import FeatureHubError
from fh.model.feature_type import FeatureType
from fh.mr.attribute_rules import AttributeFault, attribute_faults
from fh.mr.rollout_strategy import RolloutStrategy

WHOLE_PERCENTAGE: Final = 1_000_000
"""100 percent in millionths."""

LONGEST_NAME_CHARACTERS: Final = 200


class StrategyFault(StrEnum):
    """What is wrong with one strategy (of `RolloutStrategyViolationType`)."""

    NO_NAME = "no_name"
    NAME_TOO_LONG = "name_too_long"
    NEGATIVE_PERCENTAGE = "negative_percentage"
    PERCENTAGE_OVER_100_PERCENT = "percentage_over_100_percent"


class ListFault(StrEnum):
    """What is wrong with all of them together (`RolloutStrategyCollectionViolationType`)."""

    PERCENTAGE_ADDS_OVER_100_PERCENT = "percentage_adds_over_100_percent"
    BOOLEAN_HAS_NO_VALUE = "boolean_has_no_value"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a strategy breaks; `attribute_id` names the attribute that does."""

    fault: StrategyFault | AttributeFault
    attribute_id: str | None = None


@dataclass(frozen=True, slots=True)
class FaultyStrategy:
    """A strategy that breaks rules."""

    strategy: RolloutStrategy
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is wrong with a list of strategies."""

    strategies: tuple[FaultyStrategy, ...] = ()
    faults: tuple[ListFault, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.strategies or self.faults)


class StrategiesRefused(FeatureHubError):
    """Strategies break the rules; every broken rule is listed."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("The rollout strategies break the rules.")
        self.verdict = verdict


Valued: TypeAlias = FeatureType | None
"""The type of the feature that strategies hold values for; None where they hold none."""


def check_rules(feature_type: Valued, strategies: Sequence[RolloutStrategy]) -> None:
    """Refuse strategies that break a rule.

    Raises:
        StrategiesRefused: with all that is wrong.
    """
    if verdict := judge(feature_type, strategies):
        raise StrategiesRefused(verdict)


def judge(feature_type: Valued, strategies: Sequence[RolloutStrategy]) -> Verdict:
    """Return all that is wrong with `strategies`, whose values must be readable JSON."""
    faulty = tuple(
        FaultyStrategy(strategy, violations)
        for strategy in strategies
        if (violations := _violations(strategy))
    )
    return Verdict(faulty, _list_faults(feature_type, strategies))


def _violations(strategy: RolloutStrategy) -> tuple[Violation, ...]:
    faults = [*_name_faults(strategy), *_percentage_faults(strategy)]
    return (
        *(Violation(fault) for fault in faults),
        *(
            Violation(fault, attribute.id)
            for attribute in strategy.attributes or ()
            for fault in attribute_faults(attribute)
        ),
    )


def _name_faults(strategy: RolloutStrategy) -> tuple[StrategyFault, ...]:
    name = (strategy.name or "").strip()
    if not name:
        return (StrategyFault.NO_NAME,)
    return (StrategyFault.NAME_TOO_LONG,) if len(name) > LONGEST_NAME_CHARACTERS else ()


def _percentage_faults(strategy: RolloutStrategy) -> tuple[StrategyFault, ...]:
    percentage = strategy.percentage or 0
    if percentage < 0:
        return (StrategyFault.NEGATIVE_PERCENTAGE,)
    if percentage > WHOLE_PERCENTAGE:
        return (StrategyFault.PERCENTAGE_OVER_100_PERCENT,)
    return ()


def _list_faults(
    feature_type: Valued, strategies: Sequence[RolloutStrategy]
) -> tuple[ListFault, ...]:
    faults: list[ListFault] = []
    if feature_type is FeatureType.BOOLEAN and not all(has_value(one.value) for one in strategies):
        faults.append(ListFault.BOOLEAN_HAS_NO_VALUE)
    # Only strategies without attributes share the range of percentages between them.
    shared = sum(one.percentage or 0 for one in strategies if not one.attributes)
    if shared > WHOLE_PERCENTAGE:
        faults.append(ListFault.PERCENTAGE_ADDS_OVER_100_PERCENT)
    return tuple(faults)
