"""One condition of a strategy, with its values parsed once.

Source: section 4.3 of the data plane's contract.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never

from fh.strategies.comparing import Test, never
from fh.strategies.instants import date_of, instant_of
from fh.strategies.match_address import compile_address
from fh.strategies.match_boolean import compile_boolean
from fh.strategies.match_date import compile_date, compile_instant
from fh.strategies.match_number import compile_number
from fh.strategies.match_string import compile_string
from fh.strategies.match_version import compile_version
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import AttributeType, Conditional

NowText: TypeAlias = Callable[[datetime], str]

_NOW = "now"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition ready to be asked.

    `now_text` writes the time that stands in for a missing attribute `now`.
    """

    field_name: str
    meets: Test
    met_by_nothing: bool = False
    now_text: NowText | None = None

    def met_by(self, supplied: Sequence[str], now: datetime) -> bool:
        """Return whether any of the supplied values does; none supplied is a missing attribute.

        So NOT_EQUALS holds for several values if one differs, and never for a missing attribute.
        """
        if not supplied:
            if self.now_text is None:
                return self.met_by_nothing
            return self.meets(self.now_text(now))
        meets = self.meets
        if len(supplied) == 1:
            return meets(supplied[0])
        return any(meets(text) for text in supplied)


def compile_condition(
    field_name: str,
    conditional: str,
    attribute_type: str,
    values: Sequence[object] | None,
    cut_offs: CutOffs,
) -> Condition:
    """Return the condition; one whose conditional or type is unknown is never met."""
    now_text = _now_text(field_name, attribute_type)
    if values is None:  # no list at all equals no attribute at all
        equals = conditional == Conditional.EQUALS
        return Condition(field_name, never, equals and now_text is None, now_text)
    try:
        known, of_type = Conditional(conditional), AttributeType(attribute_type)
    except ValueError:
        return Condition(field_name, never)
    return Condition(field_name, _test(known, of_type, values, cut_offs), now_text=now_text)


def asks_for_now(field_name: str, attribute_type: str) -> bool:
    """Return whether the time stands in where such a condition's attribute is missing."""
    return _now_text(field_name, attribute_type) is not None


def _now_text(field_name: str, attribute_type: str) -> NowText | None:
    if field_name.lower() != _NOW:
        return None
    match attribute_type:
        case AttributeType.DATE:
            return date_of
        case AttributeType.DATETIME:
            return instant_of
        case _:
            return None


def _test(
    conditional: Conditional,
    attribute_type: AttributeType,
    values: Sequence[object],
    cut_offs: CutOffs,
) -> Test:
    match attribute_type:
        case AttributeType.STRING:
            return compile_string(conditional, values, cut_offs)
        case AttributeType.NUMBER:
            return compile_number(conditional, values, cut_offs)
        case AttributeType.BOOLEAN:
            return compile_boolean(conditional, values)
        case AttributeType.SEMANTIC_VERSION:
            return compile_version(conditional, values)
        case AttributeType.DATE:
            return compile_date(conditional, values, cut_offs)
        case AttributeType.DATETIME:
            return compile_instant(conditional, values, cut_offs)
        case AttributeType.IP_ADDRESS:
            return compile_address(conditional, values)
        case _:
            assert_never(attribute_type)
