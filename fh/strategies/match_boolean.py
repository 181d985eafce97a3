"""Conditions on a boolean.

Source: section 4.4 of the data plane's contract, BOOLEAN.
"""

from collections.abc import Sequence

from fh.strategies.comparing import Test, never
from fh.strategies.rule import Conditional

_TRUE = "true"


def compile_boolean(conditional: Conditional, values: Sequence[object]) -> Test:
    """Return the test for a text; only `true` is true, and only the first value counts.

    The value may be the text of a boolean, which upstream can't evaluate.
    """
    wanted = values[0] if values else None
    if isinstance(wanted, str):
        wanted = wanted == _TRUE
    if not isinstance(wanted, bool):
        return never
    match conditional:
        case Conditional.EQUALS:
            return lambda text: (text == _TRUE) is wanted
        case Conditional.NOT_EQUALS:
            return lambda text: (text == _TRUE) is not wanted
        case _:
            return never
