"""The client context: what an SDK tells of its user (`x-featurehub`, `?xfeaturehub=`).

Source: section 1.5 of the data plane's contract.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

ClientContext: TypeAlias = Mapping[str, tuple[str, ...]]

MOST_ATTRIBUTES = 30
NO_CONTEXT: ClientContext = MappingProxyType({})

_PAIR = r"\w[\w .-]*=[\w.~/%-]*"
_AMPERSANDS = re.compile(f"{_PAIR}(?:&{_PAIR})+", re.ASCII)
"""A line of Python's SDK, which joins with `&` and lets a value have none that is not escaped."""

_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def parse_context(lines: Iterable[str]) -> ClientContext:
    """Return the attributes in the header's lines; what can't be read is left out.

    A value that holds encoded commas is a list. A later attribute replaces an earlier one of
    its name, and after 30 attributes new names are ignored. An `&` in a value is that, except
    where it parts attributes and nothing else can.
    """
    context: dict[str, tuple[str, ...]] = {}
    for line in lines:
        for piece in line.split("&" if _AMPERSANDS.fullmatch(line) else ","):
            name, equals, value = piece.partition("=")
            if not equals:
                continue
            try:
                name, value = _decoded(name.strip()), _decoded(value)
            except ValueError:
                continue
            if name in context or len(context) < MOST_ATTRIBUTES:
                context[name] = _values(value)
    return context or NO_CONTEXT


def _decoded(text: str) -> str:
    if _ESCAPE.search(text):
        raise ValueError(text)
    # Bytes that are not UTF-8 become the replacement character, as in a form's decoder.
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", errors="replace")


def _values(text: str) -> tuple[str, ...]:
    if "," not in text:
        return (text,)
    values = text.split(",")
    while values and not values[-1]:
        values.pop()
    return tuple(values)
