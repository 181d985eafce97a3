"""How much the rollout strategies of one value may hold.

Everyone who may see the value gets them, and Edge compiles and tries them for each client. The
bounds are far above what people write by hand; only patterns are scarce, as a bad one holds Edge
up until its time limit.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from fh.mr.errors import Invalid
from fh.mr.rollout_strategy import Conditional, RolloutStrategy

MOST_STRATEGIES: Final = 1_000
MOST_VALUES: Final = 1_000
"""Of one rule."""
MOST_PATTERNS: Final = 50
"""Of all rules together: 50 bad ones hold Edge up for a second, once."""
LARGEST_BYTES: Final = 1024 * 1024
"""As JSON."""

_PLACE = "rolloutStrategies"


def check_bounds(strategies: Sequence[RolloutStrategy]) -> None:
    """Refuse more than there is room for.

    Raises:
        Invalid: too many strategies, values of a rule or patterns, or too much text.
    """
    if len(strategies) > MOST_STRATEGIES:
        raise Invalid(_PLACE, f"There may be at most {MOST_STRATEGIES} strategies.")
    patterns = 0
    for index, strategy in enumerate(strategies):
        for number, attribute in enumerate(strategy.attributes or ()):
            values = len(attribute.values or ())
            if values > MOST_VALUES:
                place = f"{_PLACE}[{index}].attributes[{number}].values"
                raise Invalid(place, f"There may be at most {MOST_VALUES} values.")
            if attribute.conditional is Conditional.REGEX:
                patterns += values
    if patterns > MOST_PATTERNS:
        raise Invalid(_PLACE, f"There may be at most {MOST_PATTERNS} regular expressions in all.")
    if len(msgspec.json.encode(strategies)) > LARGEST_BYTES:
        raise Invalid(_PLACE, f"They may take at most {LARGEST_BYTES} bytes.")
