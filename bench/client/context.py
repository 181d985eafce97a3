"""The header by which a server learns whom to evaluate for.

Source: section 1.5 of the data plane's contract.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

HEADER: Final = "x-featurehub"


def context_headers(context: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the headers that tell of `context`: none for an empty one."""
    if not context:
        return {}
    return {HEADER: ",".join(f"{name}={_encoded(context[name])}" for name in sorted(context))}


def _encoded(values: Sequence[str]) -> str:
    # A str would be a sequence of letters.
    return quote(values if isinstance(values, str) else ",".join(values), safe="")
