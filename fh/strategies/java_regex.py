r"""Java's regular expressions in the dialect of the `regex` package, within a bound on their size.

Rules are written for a Java server. What both dialects share passes unchanged, what differs and
is in use is rewritten (`\d` is ASCII, `\Q…\E`, `\k<name>`), and everything else is refused, above
all what Java never had (fuzzy matches, recursion).

The bound is about memory: the engine unrolls the repeats that must happen, so that
`(((a{1000}){1000}){1000})` takes gigabytes before any time limit could stop it.

Source: section 4.4 of the data plane's contract, REGEX.
"""

import re

from fh.errors import FeatureHubError

LONGEST_PATTERN_CHARACTERS = 4096
LARGEST_PATTERN_NODES = 10_000
"""Nodes after unrolling; compiling takes some 0.3 µs and 1 KB for each."""
DEEPEST_GROUPS = 50

_GROUP = re.compile(r"\((?:\?(?:[:=!>]|<[=!]|<[A-Za-z][A-Za-z0-9]*>|[imsu]*(?:-[ims]+)?[:)]))?")
_REPEAT = re.compile(r"\{(\d{1,5})(?:,\d{0,5})?\}", re.ASCII)
_ESCAPE = re.compile(
    r"\\(?:[pP]\{\^?[A-Za-z_=]+\}|[pP][A-Z]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|k<[A-Za-z0-9]+>|.)",
    re.DOTALL | re.ASCII,
)
_REWRITTEN = {
    r"\d": "[0-9]",
    r"\D": "[^0-9]",
    r"\w": "[A-Za-z0-9_]",
    r"\W": "[^A-Za-z0-9_]",
    r"\s": r"[ \t\n\x0B\f\r]",
    r"\S": r"[^ \t\n\x0B\f\r]",
    r"\z": r"\Z",
    r"\Z": r"(?=\n?\Z)",
}
_KNOWN_ESCAPES = frozenset(rf"\{letter}" for letter in "aftnrbBAGhRX") | _REWRITTEN.keys()


class UnsupportedPattern(FeatureHubError):
    """The pattern is not Java's, not supported, or too large."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(f"{reason} at {at}")
        self.reason = reason
        self.at = at


def translate(pattern: str) -> str:
    """Return `pattern` for the `regex` package (VERSION1).

    Raises:
        UnsupportedPattern: it can't be translated, or would take too much memory. Not every
            mistake is found here; the engine finds the others.
    """
    if len(pattern) > LONGEST_PATTERN_CHARACTERS:
        raise UnsupportedPattern("too long", LONGEST_PATTERN_CHARACTERS)
    return _Translation(pattern).run()


class _Translation:
    """One pass over a pattern: a cursor, what was written, and the size of each open group."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._written: list[str] = []
        self._sizes = [0]  # nodes of each open group, the innermost last
        self._last = 0  # nodes of what a repeat would repeat

    def run(self) -> str:
        while self._at < len(self._pattern):
            match self._pattern[self._at]:
                case "\\":
                    self._escape()
                case "[":
                    self._character_class()
                case "(":
                    self._open()
                case ")":
                    self._close()
                case "{":
                    self._repeat()
                case "?" | "*" | "+" as quantifier:
                    self._write(quantifier)
                case character:
                    self._write(character)
                    self._count(1)
        if len(self._sizes) > 1:
            raise self._refusal("unclosed group")
        return "".join(self._written)

    def _write(self, source: str, translated: str | None = None) -> None:
        self._written.append(source if translated is None else translated)
        self._at += len(source)

    def _count(self, nodes: int) -> None:
        self._last = nodes
        self._sizes[-1] += nodes
        if self._sizes[-1] > LARGEST_PATTERN_NODES:
            raise self._refusal("too large")

    def _refusal(self, reason: str) -> UnsupportedPattern:
        return UnsupportedPattern(reason, self._at)

    def _escape(self) -> None:
        if self._pattern.startswith(r"\Q", self._at):
            end = self._pattern.find(r"\E", self._at + 2)
            quoted = self._pattern[self._at + 2 : end if end >= 0 else None]
            self._write(quoted, re.escape(quoted))
            self._at += 4 if end >= 0 else 2
            # A repeat behind the quote concerns its last character; counting all is on the safe
            # side.
            self._count(len(quoted))
            return
        source = self._next_escape()
        if source.startswith(r"\k"):
            self._write(source, f"(?P={source[3:-1]})")
        else:
            self._write(source, _REWRITTEN.get(source))
        self._count(1)

    def _next_escape(self) -> str:
        found = _ESCAPE.match(self._pattern, self._at)
        if found is None:
            raise self._refusal("dangling backslash")
        source = found.group()
        letter = source[1:]
        if re.fullmatch("[A-Za-z0]", letter) and source not in _KNOWN_ESCAPES:
            raise self._refusal("unknown escape")
        return source

    def _character_class(self) -> None:
        start, depth = self._at, 0
        while True:
            rest = self._pattern[self._at : self._at + 3]
            match rest[:1]:
                case "":
                    raise self._refusal("unclosed class")
                case "[":
                    depth += 1
                    # A bracket that comes first is no end but a member.
                    opening = re.match(r"\[\^?\]?", rest)
                    self._write(opening.group() if opening else "[")
                case "]":
                    depth -= 1
                    self._write("]")
                    if not depth:
                        break
                case "\\":
                    source = self._next_escape()
                    if source[1] in "QEkzZbBAGRX":
                        raise self._refusal("escape in a class")
                    self._write(source, _REWRITTEN.get(source))
                case character:
                    self._write(character)
        self._count(self._at - start)

    def _open(self) -> None:
        found = _GROUP.match(self._pattern, self._at)
        if found is None or self._pattern.startswith(("?", "*"), found.end()):
            raise self._refusal("unknown group")
        source = found.group()
        if source.endswith(")"):  # flags for the rest: nothing stays open
            self._write(source)
            self._last = 0
            return
        if len(self._sizes) > DEEPEST_GROUPS:
            raise self._refusal("groups too deep")
        # Java's (?<name>…) and the engine's are spelled alike.
        self._write(source)
        self._sizes.append(1)

    def _close(self) -> None:
        if len(self._sizes) == 1:
            raise self._refusal("unopened group")
        self._write(")")
        self._count(self._sizes.pop())

    def _repeat(self) -> None:
        found = _REPEAT.match(self._pattern, self._at)
        if found is None:
            raise self._refusal("not a count")
        self._write(found.group())
        if (times := int(found.group(1))) > 1:
            nodes = self._last
            self._count(nodes * (times - 1))
            self._last = nodes * times
