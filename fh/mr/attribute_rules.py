"""What is wrong with the attributes of rollout strategies, and the form their values are kept in.

Dates and addresses are read as the evaluation reads them, so that whatever is let in can match.

Source: section 6.4 of the admin contract; Semantic Versioning 2.0.0.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from fh.mr.rollout_strategy import (
    FieldType,
    RolloutStrategy,
    RolloutStrategyAttribute,
    Strategies,
    without_nulls,
)
from fh.strategies.instants import parse_date, parse_instant
from fh.strategies.match_address import parse_network

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRERELEASE = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD = r"[0-9A-Za-z-]+"
_SEMANTIC_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-{_PRERELEASE}(?:\.{_PRERELEASE})*)?(?:\+{_BUILD}(?:\.{_BUILD})*)?"
)
_NULL: Final = Raw(b"null")


class AttributeFault(StrEnum):
    """What is wrong with one attribute (of `RolloutStrategyViolationType`)."""

    NO_VALUES = "array_attribute_no_values"
    MISSING_CONDITIONAL = "attr_missing_conditional"
    MISSING_FIELD_NAME = "attr_missing_field_name"
    MISSING_FIELD_TYPE = "attr_missing_field_type"
    NOT_SEMANTIC_VERSION = "attr_val_not_semantic_version"
    NOT_NUMBER = "attr_val_not_number"
    NOT_DATE = "attr_val_not_date"
    NOT_DATE_TIME = "attr_val_not_date_time"
    NOT_CIDR = "attr_val_not_cidr"
    UNKNOWN_FAILURE = "attr_unknown_failure"


def attribute_faults(attribute: RolloutStrategyAttribute) -> tuple[AttributeFault, ...]:
    """Return all that is wrong with an attribute; its values must be readable JSON."""
    faults: list[AttributeFault] = []
    values = attribute.values or ()
    if not values:
        faults.append(AttributeFault.NO_VALUES)
    if attribute.conditional is None:
        faults.append(AttributeFault.MISSING_CONDITIONAL)
    if not attribute.field_name:
        faults.append(AttributeFault.MISSING_FIELD_NAME)
    if attribute.type is None:
        faults.append(AttributeFault.MISSING_FIELD_TYPE)
    else:
        is_good, fault = _TESTS[attribute.type]
        if not all(is_good(msgspec.json.decode(value)) for value in values):
            faults.append(fault)
    return tuple(faults)


def normalised(strategies: Sequence[RolloutStrategy]) -> Strategies:
    """Return `strategies` without nulls, with texts trimmed, and with switches as booleans.

    What can't be brought into that form stays as it is, and is refused by the rules.
    """
    return tuple(
        replace(
            strategy,
            attributes=tuple(
                replace(attribute, values=_normalised_values(attribute))
                for attribute in strategy.attributes or ()
            ),
        )
        for strategy in map(without_nulls, strategies)
    )


def _normalised_values(attribute: RolloutStrategyAttribute) -> tuple[Raw, ...]:
    values = attribute.values or ()
    match attribute.type:
        case FieldType.STRING:
            change = _text
        case FieldType.BOOLEAN:
            change = _boolean
        case _:
            return values
    return tuple(change(value) for value in values if bytes(value).strip() != bytes(_NULL))


def _text(value: Raw) -> Raw:
    match msgspec.json.decode(value):
        case str() as text:
            return Raw(msgspec.json.encode(text.strip()))
        case bool() | int() | float():
            return Raw(msgspec.json.encode(bytes(value).decode().strip()))
        case _:
            return value


def _boolean(value: Raw) -> Raw:
    match msgspec.json.decode(value):
        case bool():
            return value
        case str() as text:
            return Raw(b"true" if text.strip().lower() == "true" else b"false")
        case int() | float():
            return Raw(b"false")
        case _:
            return value


def _is_semantic_version(value: object) -> bool:
    return isinstance(value, str) and _SEMANTIC_VERSION.fullmatch(value) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: object) -> bool:
    return isinstance(value, str) and parse_date(value) is not None


def _is_date_time(value: object) -> bool:
    return isinstance(value, str) and parse_instant(value) is not None


def _is_network(value: object) -> bool:
    return isinstance(value, str) and parse_network(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


_TESTS: Final[Mapping[FieldType, tuple[Callable[[object], bool], AttributeFault]]] = {
    FieldType.STRING: (_is_text, AttributeFault.UNKNOWN_FAILURE),
    FieldType.BOOLEAN: (_is_boolean, AttributeFault.UNKNOWN_FAILURE),
    FieldType.SEMANTIC_VERSION: (_is_semantic_version, AttributeFault.NOT_SEMANTIC_VERSION),
    FieldType.NUMBER: (_is_number, AttributeFault.NOT_NUMBER),
    FieldType.DATE: (_is_date, AttributeFault.NOT_DATE),
    FieldType.DATETIME: (_is_date_time, AttributeFault.NOT_DATE_TIME),
    FieldType.IP_ADDRESS: (_is_network, AttributeFault.NOT_CIDR),
}
