"""What evaluation takes: rules as they were written, with nothing parsed yet.

Conditionals and types are text, since a newer writer may know some that we do not: those match
nobody instead of making the rest of the feature unreadable.

Source: sections 0.4 and 4.1 of the data plane's contract.
"""

from dataclasses import dataclass
from enum import StrEnum


class Conditional(StrEnum):
    """How an attribute is compared."""

    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    INCLUDES = "INCLUDES"
    EXCLUDES = "EXCLUDES"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    GREATER = "GREATER"
    GREATER_EQUALS = "GREATER_EQUALS"
    LESS = "LESS"
    LESS_EQUALS = "LESS_EQUALS"
    REGEX = "REGEX"


class AttributeType(StrEnum):
    """What the values of an attribute are."""

    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    SEMANTIC_VERSION = "SEMANTIC_VERSION"
    DATE = "DATE"
    DATETIME = "DATETIME"
    IP_ADDRESS = "IP_ADDRESS"


@dataclass(frozen=True, slots=True)
class ConditionSpec:
    """One condition of a strategy; its values are alternatives.

    `values` are decoded JSON. Numbers keep their exact value as `int` or `Decimal`; a `float` is
    taken for the shortest literal that reads back as it. `None` says that there is no list.
    """

    field_name: str
    conditional: str
    type: str
    values: tuple[object, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A strategy as it was written; `value` is whatever the caller gives out."""

    strategy_id: str | None
    value: object
    percentage_millionths: int | None = None
    percentage_attributes: tuple[str, ...] = ()
    conditions: tuple[ConditionSpec, ...] = ()
