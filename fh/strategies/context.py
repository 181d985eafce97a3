"""What evaluation needs of a client context.

An attribute with no values is a missing attribute.

Source: sections 4.1 and 4.2 of the data plane's contract.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Context: TypeAlias = Mapping[str, tuple[str, ...]]

MISSING = "<none>"
"""What a missing attribute adds to a percentage key."""

_MISSING = (MISSING,)


def default_percentage_key(context: Context) -> str | None:
    """Return the key that percentages go by, `None` if the context holds none.

    SDKs send `session`, so that in practice the user key decides here, while SDKs that evaluate
    for themselves go by the session. Reading `session` too would put every user of an existing
    installation into another bucket, so the mistake is kept.
    """
    values = context.get("sessionkey") or context.get("userkey")
    return values[0] if values else None


def percentage_key(context: Context, attributes: Sequence[str]) -> str:
    """Return the key made of all values of `attributes`, in the order of both."""
    values: list[str] = []
    for attribute in attributes:
        values += context.get(attribute) or _MISSING
    return "$".join(values)
