"""The values of a rule, which are JSON, as the text or the number that a matcher compares."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

# One way only to read any digits: with two, a long text that is no number takes quadratic time.
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def texts_of(values: Iterable[object]) -> tuple[str, ...]:
    """Return the texts of the scalars among `values`; the rest can't equal anything supplied."""
    return tuple(text for value in values if (text := _text(value)) is not None)


def numbers_of(values: Iterable[object]) -> tuple[Decimal, ...]:
    """Return the exact numbers among `values`; text that reads as a number is one."""
    return tuple(number for value in values if (number := _number(value)) is not None)


def parse_decimal(text: str) -> Decimal | None:
    """Return the exact value of a decimal literal, `None` for any other text."""
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond reason
        return None


def _text(value: object) -> str | None:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(Decimal(value))  # str(int) refuses more than 4,300 digits
        case float() | Decimal():
            return str(value)
        case _:
            return None


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    # Through the text: 0.1 shall be the decimal 0.1, not the binary fraction next to it.
    return None if (text := _text(value)) is None else parse_decimal(text)
