"""Rollout strategies of a single feature value, as they are sent, stored and compared.

Source: sections 6.2, 6.4 and 6.6 of the admin contract.
"""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct, field
from msgspec.structs import replace

from fh.contracts.published import (
    ABSENT,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
    has_value,
)
from fh.model.feature_type import FeatureType
from fh.mr.api_keys import random_text
from fh.mr.errors import Invalid
from fh.mr.values import LONGEST_NUMBER_CHARACTERS, number_text

LONGEST_ID_CHARACTERS = 4
APPLICATION_MARK = "@"
GROUP_MARK = "!"

Colouring: TypeAlias = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
Avatar: TypeAlias = Annotated[str, Meta(max_length=200)]

_NUMBER_STARTS = b"-0123456789"


class Conditional(StrEnum):
    """How an attribute is compared (`RolloutStrategyAttributeConditional`)."""

    EQUALS = "EQUALS"
    ENDS_WITH = "ENDS_WITH"
    STARTS_WITH = "STARTS_WITH"
    GREATER = "GREATER"
    GREATER_EQUALS = "GREATER_EQUALS"
    LESS = "LESS"
    LESS_EQUALS = "LESS_EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    INCLUDES = "INCLUDES"
    EXCLUDES = "EXCLUDES"
    REGEX = "REGEX"


class FieldType(StrEnum):
    """What an attribute's values are (`RolloutStrategyFieldType`)."""

    STRING = "STRING"
    SEMANTIC_VERSION = "SEMANTIC_VERSION"
    NUMBER = "NUMBER"
    DATE = "DATE"
    DATETIME = "DATETIME"
    BOOLEAN = "BOOLEAN"
    IP_ADDRESS = "IP_ADDRESS"


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


def _no() -> bool:
    # As above: a false is written, too.
    return False


class RolloutStrategyAttribute(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One rule; its values are alternatives. One that lacks a member is refused by name."""

    conditional: Conditional | None = None
    field_name: str | None = None
    type: FieldType | None = None
    values: tuple[Raw, ...] | None = field(default_factory=_none)
    id: str | None = None


class RolloutStrategy(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A strategy inside one feature value; `percentage` is in millionths."""

    id: str | None = None
    name: str | None = None
    percentage: int | None = None
    percentage_attributes: tuple[str, ...] | None = field(default_factory=_none)
    attributes: tuple[RolloutStrategyAttribute, ...] | None = field(default_factory=_none)
    value: Raw = ABSENT
    disabled: bool | None = field(default_factory=_no)
    colouring: Colouring | None = None
    avatar: Avatar | None = None


Strategies = tuple[RolloutStrategy, ...]

_STORED = msgspec.json.Decoder(Strategies)
_STORED_ONE = msgspec.json.Decoder(RolloutStrategy)


def decode_strategies(text: str) -> Strategies:
    """Return strategies as they are stored."""
    return _STORED.decode(text)


def encode_strategies(strategies: Strategies) -> str:
    """Return the text to store."""
    return msgspec.json.encode(strategies).decode()


def decode_strategy(text: str, strategy_id: str, name: str) -> RolloutStrategy:
    """Return a strategy that is stored apart from its id and its name."""
    return replace(_STORED_ONE.decode(text), id=strategy_id, name=name)


def encode_strategy(strategy: RolloutStrategy) -> str:
    """Return the text to store of a strategy, without its id and its name."""
    return msgspec.json.encode(replace(strategy, id=None, name=None)).decode()


def new_strategy_id() -> str:
    """Return an id as custom strategies and their attributes have it."""
    return random_text(LONGEST_ID_CHARACTERS)


def new_application_strategy_id() -> str:
    """Return an id as application strategies and their attributes have it."""
    return APPLICATION_MARK + random_text(LONGEST_ID_CHARACTERS - 1)


def new_group_strategy_id() -> str:
    """Return an id as the strategies of feature groups and their attributes have it."""
    return GROUP_MARK + random_text(LONGEST_ID_CHARACTERS - 1)


def with_ids(strategies: Sequence[RolloutStrategy], new_id: Callable[[], str]) -> Strategies:
    """Return `strategies` with a short id each, unique in the list, and unique attribute ids.

    Whoever has a usable id keeps it, the first of two with the same.
    """
    ids = _unique_ids([strategy.id for strategy in strategies], new_id)
    named: list[RolloutStrategy] = []
    for strategy, strategy_id in zip(strategies, ids, strict=True):
        plain = without_nulls(strategy)
        attributes = plain.attributes or ()
        attribute_ids = _unique_ids([attribute.id for attribute in attributes], new_id)
        named.append(
            replace(
                plain,
                id=strategy_id,
                attributes=tuple(
                    replace(attribute, id=attribute_id)
                    for attribute, attribute_id in zip(attributes, attribute_ids, strict=True)
                ),
            )
        )
    return tuple(named)


def without_nulls(strategy: RolloutStrategy) -> RolloutStrategy:
    """Return `strategy` with what it has where a member is left out in place of its nulls.

    Source: section 0.3.2 of the admin contract, by which no answer holds a null.
    """
    return replace(
        strategy,
        percentage_attributes=strategy.percentage_attributes or (),
        disabled=bool(strategy.disabled),
        attributes=tuple(
            replace(attribute, values=attribute.values or ())
            for attribute in strategy.attributes or ()
        ),
        value=strategy.value if has_value(strategy.value) else ABSENT,
    )


def comparable(strategy: RolloutStrategy) -> object:
    """Return a value that is equal for strategies that mean the same, down to 1 and 1.0."""
    text = msgspec.json.encode(without_nulls(strategy))
    # A number is wrapped, because in Python 1 equals True.
    return json.loads(text, parse_float=_number, parse_int=_number)


def check_values(feature_type: FeatureType, strategies: Sequence[RolloutStrategy]) -> None:
    """Refuse values that could not be published.

    Raises:
        Invalid: a strategy's value is not of the feature's type, or an attribute's is no JSON.
    """
    for index, strategy in enumerate(strategies):
        if has_value(strategy.value):
            _check_value(feature_type, strategy.value, f"rolloutStrategies[{index}].value")
    check_readable(strategies)


def check_readable(strategies: Sequence[RolloutStrategy]) -> None:
    """Refuse values that were kept as they came and can't be read.

    Raises:
        Invalid: one is no JSON text, or holds a number too large for a double.
    """
    for index, strategy in enumerate(strategies):
        place = f"rolloutStrategies[{index}]"
        if has_value(strategy.value):
            _check_text(strategy.value, f"{place}.value")
        for number, attribute in enumerate(strategy.attributes or ()):
            for value in attribute.values or ():
                _check_text(value, f"{place}.attributes[{number}].values")


def published_strategy(strategy: RolloutStrategy) -> CacheRolloutStrategy:
    """Return what SDKs need of `strategy`."""
    return CacheRolloutStrategy(
        id=strategy.id or "rs-id",
        percentage=strategy.percentage,
        percentage_attributes=strategy.percentage_attributes or (),
        attributes=tuple(
            CacheRolloutStrategyAttribute(
                # The rules leave none of the three out.
                conditional=attribute.conditional or "",
                field_name=attribute.field_name or "",
                type=attribute.type or "",
                values=attribute.values or (),
            )
            for attribute in strategy.attributes or ()
        ),
        value=strategy.value if has_value(strategy.value) else ABSENT,
    )


def _unique_ids(given: Sequence[str | None], new_id: Callable[[], str]) -> list[str]:
    reserved = {text for text in given if text is not None}
    taken: set[str] = set()
    chosen: list[str] = []
    for text in given:
        usable = text if text and len(text) <= LONGEST_ID_CHARACTERS else None
        while usable is None or usable in taken:
            candidate = new_id()
            usable = None if candidate in reserved else candidate
        taken.add(usable)
        chosen.append(usable)
    return chosen


def _check_value(feature_type: FeatureType, value: Raw, place: str) -> None:
    if not _fits(feature_type, value, place):
        raise Invalid(place, f"Expected a value for a feature of type {feature_type}.")


def _fits(feature_type: FeatureType, value: Raw, place: str) -> bool:
    _check_text(value, place)
    text = bytes(value).strip()
    match feature_type:
        case FeatureType.BOOLEAN:
            return text in (b"true", b"false")
        case FeatureType.NUMBER:
            return number_text(value, place) is not None
        case FeatureType.STRING | FeatureType.JSON:
            return text.startswith(b'"')


def _check_text(value: Raw, place: str) -> None:
    if bytes(value).strip()[:1] in _NUMBER_STARTS:
        text = number_text(value, place)
        if text is not None and _kept_characters(text) > LONGEST_NUMBER_CHARACTERS:
            raise Invalid(place, "The number has too many digits.")
        return
    try:
        msgspec.json.decode(bytes(value))  # what is kept raw was not looked into before
    except (msgspec.DecodeError, UnicodeError) as fault:
        raise Invalid(place, "Expected UTF-8 text.") from fault


def _kept_characters(number: str) -> int:
    """Return about how long a number is as the database keeps JSON: without an exponent."""
    digits, _, power = number.lower().partition("e")
    whole, _, fraction = digits.partition(".")
    shift = int(power or 0)
    decimals = max(len(fraction) - shift, 0)
    return max(len(whole) + shift, len("-0")) + len(".") + decimals


def _number(text: str) -> tuple[str, Decimal]:
    return "number", Decimal(text)
