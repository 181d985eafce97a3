"""Looks over JSON text that cost no more than it is long, and make no value of what it holds.

Whoever sends a body decides what is in it. Objects made of members that nobody asked for take many
times their bytes, and recursion over them time; these looks are a few passes of C code over bytes.
All of them take text that may turn out to be no JSON: then they say nothing, and its decoder does.
"""

import re
from itertools import accumulate
from typing import Final

_HEX: Final = b"[0-9a-fA-F]{2}"
_HIGH: Final = rb"\\u[dD][89abAB]" + _HEX
_LOW: Final = rb"\\u[dD][c-fC-F]" + _HEX
_LONE: Final = re.compile(
    # Only where no backslash is escaped itself: what precedes a backslash is then what it seems.
    rb"\\u[dD](?:[89abAB]" + _HEX + rb"(?!" + _LOW + rb")|(?<!" + _HIGH + rb"\\u[dD])[c-fC-F])"
)
_NUL: Final = rb"\u0000"
_STRING: Final = re.compile(rb'"[^"]*"')
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_STRUCTURE: Final = bytes(set(range(256)) - set(b'[{]}"'))
# A string may be cut off: whoever looked for its end in vain would do so from each of its quotes.
_TOKEN: Final = re.compile(rb'"(?P<text>[^"\\]*(?:\\.[^"\\]*)*)(?:"|\\?\Z)|[{}\[\],:]', re.DOTALL)

_PART_BYTES: Final = 64 * 1024
_PAIR_BYTES: Final = 12


def find_nul(text: bytes) -> int | None:
    """Return where `text` escapes NUL, which PostgreSQL can't store, whatever JSON says."""
    if _NUL not in text:
        return None
    found = _unescaped(text).find(_NUL)
    return None if found < 0 else found


def find_lone_surrogate(text: bytes) -> int | None:
    """Return where `text` escapes half of a character; both halves together are no fault.

    Of a long text only the beginning is looked at.
    """
    found = _LONE.search(_unescaped(text[: _PART_BYTES + _PAIR_BYTES]))
    return None if found is None or found.start() >= _PART_BYTES else found.start()


def is_deeper(text: bytes, levels: int) -> bool:
    """Return whether arrays and objects are nested more than `levels` deep."""
    if text.count(b"[") + text.count(b"{") <= levels:
        return False
    # Quotes that are left delimit strings; two in a row change nothing about what is inside.
    quoted = _unescaped(text).replace(rb"\"", b"")
    marks = quoted.translate(_STEPS, _NO_STRUCTURE).replace(b'""', b"")
    depth, inside = 0, b""
    # By parts: between them other threads have their turn.
    for start in range(0, len(marks), _PART_BYTES):
        part = inside + marks[start : start + _PART_BYTES]
        inside = b'"' if part.count(b'"') % 2 else b""
        steps = _STRING.sub(b"", part + inside)
        if max(accumulate(memoryview(steps).cast("b"), initial=depth)) > levels:
            return True
        depth += steps.count(b"\x01") - steps.count(b"\xff")
    return False


def place_at(text: bytes, position: int) -> str | None:
    """Return the path of the member that `position` belongs to, such as `people[0].email`.

    None says that it belongs to none, or stands so far behind that nobody looks for its place.
    """
    if position > _PART_BYTES:
        return None
    steps: list[str | int] = []
    name = ""
    for token in _TOKEN.finditer(text, 0, position + _PART_BYTES):
        if token.end() > position:
            break
        match token[0]:
            case b"{":
                steps.append("")
            case b"[":
                steps.append(0)
            case b"}" | b"]" if steps:
                steps.pop()
            case b":" if steps:
                steps[-1] = name
            case b"," if steps:
                last = steps[-1]
                steps[-1] = last + 1 if isinstance(last, int) else ""
            case _:
                name = (token["text"] or b"").decode(errors="replace")
    shown = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps if step != "")
    return "".join(shown).removeprefix(".") or None


def _unescaped(text: bytes) -> bytes:
    """Return `text`, as long as it was, without backslashes that stand for themselves."""
    return text.replace(rb"\\", b"//")
