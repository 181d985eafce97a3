"""Conditions on text.

Source: section 4.4 of the data plane's contract, STRING.
"""

from collections.abc import Sequence

from fh.strategies.comparing import Test, never, ordered
from fh.strategies.patterns import CutOffs, matches_any
from fh.strategies.rule import Conditional
from fh.strategies.rule_values import texts_of


def compile_string(conditional: Conditional, values: Sequence[object], cut_offs: CutOffs) -> Test:
    """Return the test for a text.

    Upstream's NOT_EQUALS holds when any value differs; here it means what it means in SDKs,
    that none is equal.
    """
    wanted = texts_of(values)
    match conditional:
        case Conditional.EQUALS:
            return frozenset(wanted).__contains__
        case Conditional.NOT_EQUALS:
            unwanted = frozenset(wanted)
            return lambda text: text not in unwanted
        case Conditional.INCLUDES:
            return lambda text: any(each in text for each in wanted)
        case Conditional.EXCLUDES:
            return lambda text: not any(each in text for each in wanted)
        case Conditional.STARTS_WITH | Conditional.ENDS_WITH | Conditional.REGEX:
            return compile_textual(conditional, wanted, cut_offs) or never
        case _:
            return ordered(conditional, [_utf16(each) for each in wanted], _utf16) or never


def compile_textual(
    conditional: Conditional, wanted: tuple[str, ...], cut_offs: CutOffs
) -> Test | None:
    """Return the test for STARTS_WITH, ENDS_WITH and REGEX, `None` for other conditionals."""
    match conditional:
        case Conditional.STARTS_WITH:
            return lambda text: text.startswith(wanted)
        case Conditional.ENDS_WITH:
            return lambda text: text.endswith(wanted)
        case Conditional.REGEX:
            return matches_any(wanted, cut_offs)
        case _:
            return None


def _utf16(text: str) -> bytes:
    # Java and JavaScript order by UTF-16 units: an emoji comes before U+FF01.
    return text.encode("utf-16-be", "surrogatepass")
