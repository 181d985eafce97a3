"""Rollout strategies on the wire: what is attached to values, and which rules are broken."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Raw, Struct, field

from fh.contracts.published import ABSENT
from fh.model.ids import ApplicationStrategyId, FeatureGroupId
from fh.mr.rollout_strategy import RolloutStrategy, Strategies
from fh.mr.strategy_rules import ListFault, Verdict


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


class RolloutStrategyInstance(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An application's strategy, attached to a value; `disabled` is only there when it is true."""

    strategy_id: ApplicationStrategyId | None = None
    name: str | None = None
    value: Raw = ABSENT
    disabled: bool | None = None


class ThinGroupRolloutStrategy(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The strategy of a feature group, with the value of one of its features."""

    name: str
    feature_group_id: FeatureGroupId
    value: Raw = ABSENT


Instances: TypeAlias = tuple[RolloutStrategyInstance, ...]


class RolloutStrategyValidationRequest(Struct, frozen=True, rename="camel"):
    """Strategies that somebody thinks of saving."""

    custom_strategies: Strategies | None = ()
    shared_strategies: Instances | None = ()


class RolloutStrategyViolationType(StrEnum):
    """All rules that a strategy or one of its attributes can break, by their names on the wire."""

    NO_NAME = "no_name"
    NAME_TOO_LONG = "name_too_long"
    EMPTY_MATCH_CRITERIA = "empty_match_criteria"
    NEGATIVE_PERCENTAGE = "negative_percentage"
    PERCENTAGE_OVER_100_PERCENT = "percentage_over_100_percent"
    ARRAY_ATTRIBUTE_NO_VALUES = "array_attribute_no_values"
    ATTR_INVALID_WELL_KNOWN_ENUM = "attr_invalid_well_known_enum"
    ATTR_MISSING_VALUE = "attr_missing_value"
    ATTR_MISSING_CONDITIONAL = "attr_missing_conditional"
    ATTR_MISSING_FIELD_NAME = "attr_missing_field_name"
    ATTR_MISSING_FIELD_TYPE = "attr_missing_field_type"
    ATTR_VAL_NOT_SEMANTIC_VERSION = "attr_val_not_semantic_version"
    ATTR_VAL_NOT_NUMBER = "attr_val_not_number"
    ATTR_VAL_NOT_DATE = "attr_val_not_date"
    ATTR_VAL_NOT_DATE_TIME = "attr_val_not_date_time"
    ATTR_VAL_NOT_CIDR = "attr_val_not_cidr"
    ATTR_UNKNOWN_FAILURE = "attr_unknown_failure"


class RolloutStrategyViolation(Struct, frozen=True, omit_defaults=True):
    """A rule that a strategy breaks, or its attribute of that id."""

    violation: RolloutStrategyViolationType
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
                    RolloutStrategyViolation(
                        RolloutStrategyViolationType(violation.fault), violation.attribute_id
                    )
                    for violation in faulty.violations
                ),
            )
            for faulty in verdict.strategies
        ),
        violations=verdict.faults,
    )
