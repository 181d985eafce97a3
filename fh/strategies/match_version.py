"""Conditions on versions.

Source: section 4.4 of the data plane's contract, SEMANTIC_VERSION.
"""

import operator
from collections.abc import Callable, Sequence

from fh.strategies.comparing import Test, compare, never
from fh.strategies.rule import Conditional
from fh.strategies.rule_values import texts_of
from fh.strategies.version import Version, parse_version

_ORDERS: dict[Conditional, Callable[[Version, Version], bool]] = {
    Conditional.GREATER: operator.gt,
    Conditional.GREATER_EQUALS: operator.ge,
    Conditional.LESS: operator.lt,
    Conditional.LESS_EQUALS: operator.le,
}


def compile_version(conditional: Conditional, values: Sequence[object]) -> Test:
    """Return the test for a version; every text is one.

    Maven's order goes in circles: 1.x comes before 1-alpha, that before 1, and 1 before 1.x. So
    there is no least value that could speak for all.
    """
    wanted = tuple(parse_version(text) for text in texts_of(values))
    if (order := _ORDERS.get(conditional)) is None:
        return compare(conditional, wanted, parse_version) or never

    def meets(text: str) -> bool:
        supplied = parse_version(text)
        return any(order(supplied, each) for each in wanted)

    return meets
