"""Conditions on numbers, compared by their exact decimal value.

Source: section 4.4 of the data plane's contract, NUMBER, and rulings 8 and 21.
"""

from collections.abc import Sequence

from fh.strategies.comparing import Test, compare, never
from fh.strategies.match_string import compile_textual
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import Conditional
from fh.strategies.rule_values import numbers_of, parse_decimal, texts_of


def compile_number(conditional: Conditional, values: Sequence[object], cut_offs: CutOffs) -> Test:
    """Return the test for a text that has to be a number, whatever is asked of it.

    Upstream tells 5 from 5.0, loses large integers and takes the supplied text for the pattern
    of a REGEX; none of it is kept.
    """
    textual = compile_textual(conditional, texts_of(values), cut_offs)
    if textual is not None:
        return lambda text: parse_decimal(text) is not None and textual(text)
    return compare(conditional, numbers_of(values), parse_decimal) or never
