"""Rollout strategies on the wire: what is attached to values, and which rules are broken."""

from typing import TypeAlias

from msgspec import Raw, Struct, field

from fh.contracts.published import ABSENT
from fh.model.ids import ApplicationStrategyId
from fh.mr.attribute_rules import AttributeFault
from fh.mr.rollout_strategy import RolloutStrategy, Strategies
from fh.mr.strategy_rules import ListFault, StrategyFault, Verdict


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


class RolloutStrategyInstance(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An application's strategy, attached to a value."""

    strategy_id: ApplicationStrategyId
    name: str | None = None
    value: Raw = ABSENT
    disabled: bool | None = None


Instances: TypeAlias = tuple[RolloutStrategyInstance, ...]


class RolloutStrategyValidationRequest(Struct, frozen=True, rename="camel"):
    """Strategies that somebody thinks of saving."""

    custom_strategies: Strategies | None = ()
    shared_strategies: Instances | None = ()


class RolloutStrategyViolation(Struct, frozen=True, omit_defaults=True):
    """A rule that a strategy breaks, or its attribute of that id."""

    violation: StrategyFault | AttributeFault
    id: str | None = None


class CustomRolloutStrategyViolation(Struct, frozen=True):
    """A strategy that breaks rules."""

    strategy: RolloutStrategy
    violations: tuple[RolloutStrategyViolation, ...]


class SharedRolloutStrategyViolation(Struct, frozen=True):
    """An attached strategy that breaks rules; there are no such rules."""

    strategy: RolloutStrategyInstance
    violation: tuple[RolloutStrategyViolation, ...]


class RolloutStrategyValidationResponse(Struct, frozen=True, rename="camel"):
    """All rules that strategies break; one member's misspelling is its name."""

    custom_stategy_violations: tuple[CustomRolloutStrategyViolation, ...] = field(
        default_factory=_none
    )
    shared_strategy_violations: tuple[SharedRolloutStrategyViolation, ...] = field(
        default_factory=_none
    )
    violations: tuple[ListFault, ...] = field(default_factory=_none)


def verdict_body(verdict: Verdict) -> RolloutStrategyValidationResponse:
    """Return all rules that are broken."""
    return RolloutStrategyValidationResponse(
        custom_stategy_violations=tuple(
            CustomRolloutStrategyViolation(
                faulty.strategy,
                tuple(
                    RolloutStrategyViolation(violation.fault, violation.attribute_id)
                    for violation in faulty.violations
                ),
            )
            for faulty in verdict.strategies
        ),
        violations=verdict.faults,
    )
