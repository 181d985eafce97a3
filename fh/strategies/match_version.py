"""Conditions on versions.

Source: section 4.4 of the data plane's contract, SEMANTIC_VERSION.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from fh.strategies.comparing import Test, never
from fh.strategies.rule import Conditional
from fh.strategies.rule_values import texts_of
from fh.strategies.version import parse_numbers, parse_version

# How to compare with each value, and what it means if one of them does.
_TESTS: dict[Conditional, tuple[Callable[[Any, Any], bool], bool]] = {
    Conditional.EQUALS: (operator.eq, True),
    Conditional.INCLUDES: (operator.eq, True),
    Conditional.NOT_EQUALS: (operator.eq, False),
    Conditional.EXCLUDES: (operator.eq, False),
    Conditional.GREATER: (operator.gt, True),
    Conditional.GREATER_EQUALS: (operator.ge, True),
    Conditional.LESS: (operator.lt, True),
    Conditional.LESS_EQUALS: (operator.le, True),
}


def compile_version(conditional: Conditional, values: Sequence[object]) -> Test:
    """Return the test for a version; every text is one.

    Maven's order goes in circles: 1.x comes before 1-alpha, that before 1, and 1 before 1.x. So
    there is no least value that could speak for all.
    """
    if conditional not in _TESTS:
        return never
    compares, means = _TESTS[conditional]
    wanted = [(parse_version(text), parse_numbers(text)) for text in texts_of(values)]

    def meets(text: str) -> bool:
        numbers = parse_numbers(text)
        version = None if numbers is not None else parse_version(text)
        for wanted_version, wanted_numbers in wanted:
            if numbers is not None and wanted_numbers is not None:
                found = compares(numbers, wanted_numbers)
            else:
                version = parse_version(text) if version is None else version
                found = compares(version, wanted_version)
            if found:
                return means
        return not means

    return meets
