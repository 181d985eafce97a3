"""Feature values: the text that is stored and the JSON that is shown.

A value is stored as text whatever its type. A number keeps the very digits it was written with and
is compared as a number.
"""

import re
from decimal import Decimal, InvalidOperation
from math import isfinite

import msgspec
from msgspec import Raw

from fh.contracts.published import ABSENT, has_value
from fh.model.feature_type import FeatureType
from fh.mr.errors import Invalid

LONGEST_NUMBER_CHARACTERS = 400

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TRUE = "true"
_FALSE = "false"


def stored_text(
    feature_type: FeatureType,
    *,
    boolean: bool | None,
    string: str | None,
    number: Raw,
    json: str | None,
) -> str | None:
    """Return what to store of the four typed members; only the one of the type counts.

    Raises:
        Invalid: `number` is no JSON number, or too large for a double.
    """
    match feature_type:
        case FeatureType.BOOLEAN:
            return _TRUE if boolean else _FALSE  # a switch is never unset
        case FeatureType.STRING:
            return string
        case FeatureType.NUMBER:
            return number_text(number, "valueNumber")
        case FeatureType.JSON:
            return json


def number_text(number: Raw, field: str) -> str | None:
    """Return the digits of a JSON number, or None for nothing and null.

    Raises:
        Invalid: it is something else, or no SDK could read it.
    """
    if not has_value(number):
        return None
    text = bytes(number).decode(errors="replace").strip()
    if not _JSON_NUMBER.fullmatch(text):
        raise Invalid(field, "Expected a number.")
    if len(text) > LONGEST_NUMBER_CHARACTERS or not isfinite(float(text)):
        raise Invalid(field, "The number is too large.")
    return text


def json_value(feature_type: FeatureType, text: str | None) -> Raw:
    """Return the JSON text of a stored value; ABSENT when it is unset.

    A text that is no number, which older installations may hold, counts as unset.
    """
    match feature_type:
        case FeatureType.BOOLEAN:
            return Raw(b"true" if text == _TRUE else b"false")
        case FeatureType.NUMBER:
            return ABSENT if text is None else _json_number(text.strip())
        case FeatureType.STRING | FeatureType.JSON:
            return ABSENT if text is None else Raw(msgspec.json.encode(text))


def value_text(feature_type: FeatureType, value: Raw, field: str) -> str | None:
    """Return what to store of an untyped member, as strategies and groups have it.

    Raises:
        Invalid: it is no value for a feature of this type.
    """
    if feature_type is FeatureType.NUMBER:
        return number_text(value, field)
    if not has_value(value):
        return _FALSE if feature_type is FeatureType.BOOLEAN else None
    try:
        decoded: object = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError) as fault:
        raise Invalid(field, "Expected UTF-8 text.") from fault
    match feature_type, decoded:
        case FeatureType.BOOLEAN, bool():
            return _TRUE if decoded else _FALSE
        case ((FeatureType.STRING | FeatureType.JSON), str() as text) if "\0" not in text:
            return text
        case _:
            raise Invalid(field, f"Expected a value for a feature of type {feature_type}.")


def same_value(feature_type: FeatureType, one: str | None, other: str | None) -> bool:
    """Return whether two stored values mean the same: 15 and 15.0 do."""
    return comparable_value(feature_type, one) == comparable_value(feature_type, other)


def comparable_value(feature_type: FeatureType, text: str | None) -> object:
    """Return a value that is equal for stored values that mean the same."""
    match feature_type:
        case FeatureType.BOOLEAN:
            return text == _TRUE
        case FeatureType.NUMBER:
            number = None if text is None else _decimal(text)
            return text if number is None else number
        case FeatureType.STRING | FeatureType.JSON:
            return text


def is_unset(feature_type: FeatureType, text: str | None) -> bool:
    """Return whether `text` is what a value of this type starts with."""
    return text is None or (feature_type is FeatureType.BOOLEAN and text != _TRUE)


def _json_number(text: str) -> Raw:
    if _JSON_NUMBER.fullmatch(text):
        return Raw(text.encode())
    number = _decimal(text)
    return ABSENT if number is None else Raw(f"{number:f}".encode())


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and isfinite(float(number)) else None
