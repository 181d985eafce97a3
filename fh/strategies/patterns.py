"""Users' regular expressions: a full match within a time limit.

The one module that knows the `regex` package, which has no types.
"""

from collections.abc import Sequence
from typing import Protocol

import regex  # type: ignore[import-untyped, unused-ignore]  # it ships none

from fh.strategies.comparing import Test, never
from fh.strategies.java_regex import UnsupportedPattern, translate

LONGEST_MATCH_SECONDS = 0.02
"""A thousand times what a match takes; the event loop waits that long, seldom for each pattern."""


class CutOffs:
    """The patterns that took too long, and how long a text may be for another try.

    Half as long as the one that was too much: whoever sends absurd texts must not switch a rule
    off for everybody else, and a pattern can waste its time some sixteen times at most. Texts
    that are too long do not match.

    The caller owns it, one for a process: a rule that is compiled again, since a feature
    changed, does not get its time again. At `capacity` the oldest pattern is forgotten, and is
    found out once more.
    """

    def __init__(self, capacity: int = 1024) -> None:
        self._capacity = capacity
        self._most_characters: dict[str, int] = {}
        self._count = 0

    @property
    def count(self) -> int:
        """How often a pattern was cut off so far."""
        return self._count

    def forbids(self, pattern: str, text: str) -> bool:
        """Return whether `text` is too long for what is known of `pattern`."""
        return len(text) > self._most_characters.get(pattern, len(text))

    def add(self, pattern: str, text: str) -> None:
        """Cut `pattern` off, which took too long over `text`."""
        self._count += 1
        self._most_characters[pattern] = len(text) // 2
        while len(self._most_characters) > self._capacity:
            del self._most_characters[next(iter(self._most_characters))]


class _Compiled(Protocol):
    """What we use of the engine's pattern."""

    def fullmatch(self, text: str, *, timeout: float, concurrent: bool) -> object | None:
        """Return a match of the whole text."""
        ...


def matches_any(patterns: Sequence[str], cut_offs: CutOffs) -> Test:
    """Return the test whether a text is matched, from end to end, by one of `patterns`.

    A pattern that can't be compiled matches nothing. JavaScript and Python search instead of
    matching the whole, so that a server and an SDK agree only on patterns with `.*` around them.
    """
    pairs = [(text, compiled) for text in patterns if (compiled := _compile(text)) is not None]
    if not pairs:
        return never

    def meets(text: str) -> bool:
        return any(_matches(source, pattern, text, cut_offs) for source, pattern in pairs)

    return meets


def _compile(pattern: str) -> _Compiled | None:
    try:
        # VERSION1 has Java's nested sets. The cache of the package would outlive the rule.
        compiled: _Compiled = regex.compile(translate(pattern), regex.VERSION1, cache_pattern=False)
    except (UnsupportedPattern, regex.error):
        return None
    return compiled


def _matches(source: str, pattern: _Compiled, text: str, cut_offs: CutOffs) -> bool:
    if cut_offs.forbids(source, text):
        return False
    try:
        # concurrent: without it other threads would wait for the whole time limit, too.
        found = pattern.fullmatch(text, timeout=LONGEST_MATCH_SECONDS, concurrent=True)
    except (TimeoutError, MemoryError):
        cut_offs.add(source, text)
        return False
    return found is not None
