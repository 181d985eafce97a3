"""Tests of one supplied text, and how a list of wanted values makes one.

Several values are alternatives: greater than any of them is greater than the least.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from fh.strategies.rule import Conditional

Test: TypeAlias = Callable[[str], bool]


class Ordered(Protocol):
    """A value with a total order."""

    def __lt__(self, other: Any, /) -> bool:
        """Return whether it comes before `other`."""
        ...

    def __le__(self, other: Any, /) -> bool:
        """Return whether it does not come after `other`."""
        ...


T = TypeVar("T", bound=Ordered)


def never(_: str) -> bool:
    """Return that a text does not do."""
    return False


def compare(
    conditional: Conditional, wanted: Sequence[T], parse: Callable[[str], T | None]
) -> Test | None:
    """Return the test that compares by value, `None` for conditionals that look at text.

    A supplied text that can't be parsed meets nothing, NOT_EQUALS and EXCLUDES included.
    """
    match conditional:
        case Conditional.EQUALS | Conditional.INCLUDES:
            return lambda text: (supplied := parse(text)) is not None and supplied in wanted
        case Conditional.NOT_EQUALS | Conditional.EXCLUDES:
            return lambda text: (supplied := parse(text)) is not None and supplied not in wanted
        case _:
            return ordered(conditional, wanted, parse)


def ordered(
    conditional: Conditional, wanted: Sequence[T], parse: Callable[[str], T | None]
) -> Test | None:
    """Return the test for greater and less, `None` for other conditionals."""
    if not wanted:
        return never if conditional in _ORDERINGS else None
    least, greatest = min(wanted), max(wanted)
    match conditional:
        case Conditional.GREATER:
            return lambda text: (supplied := parse(text)) is not None and least < supplied
        case Conditional.GREATER_EQUALS:
            return lambda text: (supplied := parse(text)) is not None and least <= supplied
        case Conditional.LESS:
            return lambda text: (supplied := parse(text)) is not None and supplied < greatest
        case Conditional.LESS_EQUALS:
            return lambda text: (supplied := parse(text)) is not None and supplied <= greatest
        case _:
            return None


_ORDERINGS = frozenset(
    {
        Conditional.GREATER,
        Conditional.GREATER_EQUALS,
        Conditional.LESS,
        Conditional.LESS_EQUALS,
    }
)
