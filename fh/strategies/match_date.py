"""Conditions on dates and date-times.

Both are read as Java reads them: one value after the other, so that a value that can't be read
makes the answer false unless an earlier one has already decided it.

Source: section 4.4 of the data plane's contract, DATE and DATETIME.
"""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import takewhile
from typing import TypeVar

from fh.strategies.comparing import Test, compare, never
from fh.strategies.instants import parse_date, parse_instant
from fh.strategies.match_string import compile_textual
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import Conditional
from fh.strategies.rule_values import texts_of

T = TypeVar("T", date, int)

_NONE_MAY_EQUAL = (Conditional.NOT_EQUALS, Conditional.EXCLUDES)


def compile_date(conditional: Conditional, values: Sequence[object], cut_offs: CutOffs) -> Test:
    """Return the test for a date, `2019-02-01`, with or without an offset that counts nothing."""
    return _compile(conditional, texts_of(values), cut_offs, parse_date)


def compile_instant(conditional: Conditional, values: Sequence[object], cut_offs: CutOffs) -> Test:
    """Return the test for a date-time with an offset.

    Equal means the same instant: upstream has 10:00Z and 11:00+01:00 differ.
    """
    return _compile(conditional, texts_of(values), cut_offs, parse_instant)


def _compile(
    conditional: Conditional,
    texts: tuple[str, ...],
    cut_offs: CutOffs,
    parse: Callable[[str], T | None],
) -> Test:
    if (textual := compile_textual(conditional, texts, cut_offs)) is not None:
        return textual
    parsed = [parse(text) for text in texts]
    reached = [value for value in takewhile(_is_there, parsed) if value is not None]
    if conditional in _NONE_MAY_EQUAL and len(reached) < len(parsed):
        return never
    return compare(conditional, reached, parse) or never


def _is_there(value: object) -> bool:
    return value is not None
