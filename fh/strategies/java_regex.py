r"""Java's regular expressions in the dialect of the `regex` package, within a bound on their size.

Rules are written for a Java server. What both dialects share passes unchanged, what differs and
is in use is rewritten (`\d` and case are ASCII, `.` stops at more ends of lines, `\Q…\E`, classes
know no differences), and everything else is refused, above all what Java never had (fuzzy matches,
recursion).

The bound is about memory: the engine unrolls the repeats that must happen, so that
`(((a{1000}){1000}){1000})` takes gigabytes before any time limit could stop it.

Source: section 4.4 of the data plane's contract, REGEX.
"""

import re

from fh.errors import FeatureHubError
from fh.strategies.java_properties import translate_property

LONGEST_PATTERN_CHARACTERS = 4096
LARGEST_PATTERN_NODES = 10_000
"""Nodes after unrolling; compiling takes some 0.3 µs and 1 KB for each."""
DEEPEST_GROUPS = 50

_GROUP = re.compile(r"\((?:\?(?:[:=!>]|<[=!]|<[A-Za-z][A-Za-z0-9]*>|[imsu]*(?:-[imsu]+)?[:)]))?")
_REPEAT = re.compile(r"\{(\d{1,5})(?:,\d{0,5})?\}", re.ASCII)
_ESCAPE = re.compile(
    r"\\(?:[pP]\{\^?[A-Za-z_=]+\}|[pP][A-Z]|x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]{1,6}\}|c[@-_a-z]"
    r"|u[0-9a-fA-F]{4}|k<[A-Za-z0-9]+>|.)",
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
_KNOWN_ESCAPES = frozenset(rf"\{letter}" for letter in "aeftnrbBAGhRX") | _REWRITTEN.keys()
_CONTROL = {r"\a": 7, r"\e": 27, r"\f": 12, r"\t": 9, r"\n": 10, r"\r": 13}
_FLAGS = re.compile("([imsu]*)(?:-([imsu]+))?")
_ANY = r"[^\n\r\u0085\u2028\u2029]"
_LAST_CODE_POINT = 0x10FFFF
_CASE = ord("a") - ord("A")


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
        self._flags = [frozenset[str]()]  # of each open group

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
                case "." if "s" not in self._flags[-1]:
                    self._write(".", _ANY)
                    self._count(1)
                case "^" | "$" | "|" | "." as special:
                    self._write(special)
                    self._count(1)
                case character:
                    is_letter = self._is_letter(ord(character))
                    self._write(character, self._in_both_cases(character) if is_letter else None)
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
            self._write(quoted, "".join(map(self._in_both_cases, quoted)))
            self._at += 4 if end >= 0 else 2
            # A repeat behind the quote concerns its last character; counting all is on the safe
            # side.
            self._count(len(quoted))
            return
        source = self._next_escape()
        point = _code_point(source)
        if source.startswith(r"\k") or source[1:].isdigit():
            reference = f"(?P={source[3:-1]})" if source.startswith(r"\k") else source
            self._write(source, f"(?i-f:{reference})" if self._is_ascii_blind else reference)
        elif point is not None and (
            source.startswith((r"\c", r"\e", r"\x{"))
            or (self._is_ascii_blind and self._is_letter(point))
        ):
            self._write(source, self._in_both_cases(chr(point)))
        else:
            self._write(source, self._rewritten(source))
        self._count(1)

    @property
    def _is_ascii_blind(self) -> bool:
        """Whether case is ignored, but only that of ASCII."""
        return "i" in self._flags[-1] and "u" not in self._flags[-1]

    def _is_letter(self, point: int) -> bool:
        return chr(point).isascii() and chr(point).isalpha()

    def _in_both_cases(self, character: str) -> str:
        if self._is_ascii_blind and self._is_letter(ord(character)):
            return f"[{character}{character.swapcase()}]"
        return re.escape(character)

    def _rewritten(self, source: str) -> str:
        if source.startswith((r"\p{", r"\P{")):
            return translate_property(source, ignores_case="i" in self._flags[-1])
        return _REWRITTEN.get(source, source)

    def _next_escape(self) -> str:
        found = _ESCAPE.match(self._pattern, self._at)
        if found is None:
            raise self._refusal("dangling backslash")
        source = found.group()
        if source.startswith(r"\x{") and int(source[3:-1], 16) > _LAST_CODE_POINT:
            raise self._refusal("no character")
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
                case "&" if rest.startswith("&&"):
                    self._write("&&")
                case _:
                    self._member()
        self._count(self._at - start)

    def _member(self) -> None:
        """Write a kind of characters, a character, or a range of them."""
        source, first = self._next_member()
        if first is None:
            self._write(source, self._rewritten(source))
            return
        self._at += len(source)
        last = first
        following = self._pattern[self._at : self._at + 2]
        if following[:1] == "-" and following[1:] not in {"", "[", "]"}:
            self._at += 1
            source, end = self._next_member()
            if end is None or end < first:
                raise self._refusal("not a range")
            self._at += len(source)
            last = end
        self._written.append(_range(first, last))
        if self._is_ascii_blind:
            for start, stop, other in (("A", "Z", _CASE), ("a", "z", -_CASE)):
                low, high = max(first, ord(start)), min(last, ord(stop))
                if low <= high:
                    self._written.append(_range(low + other, high + other))

    def _next_member(self) -> tuple[str, int | None]:
        """Return what comes next in a class, and which character that is."""
        character = self._pattern[self._at]
        if character != "\\":
            return character, ord(character)
        source = self._next_escape()
        if source[1] in "QEkzZbBAGRX":
            raise self._refusal("escape in a class")
        return source, _code_point(source)

    def _open(self) -> None:
        found = _GROUP.match(self._pattern, self._at)
        if found is None or self._pattern.startswith(("?", "*"), found.end()):
            raise self._refusal("unknown group")
        source = found.group()
        before = flags = self._flags[-1]
        if source[-1] in ":)" and source[1:2] == "?":
            on, off = _FLAGS.match(source, 2).groups("")  # type: ignore[union-attr]  # always one
            flags = (flags | set(on)) - set(off)
        if source.endswith(")"):  # flags for the rest: nothing stays open
            if self._pattern.startswith(("+", "{"), found.end()):
                raise self._refusal("nothing to repeat")
            self._flags[-1] = flags
            self._write(source, _inline(flags, ")") if flags != before else "")
            self._last = 0
            return
        if len(self._sizes) > DEEPEST_GROUPS:
            raise self._refusal("groups too deep")
        # Java's (?<name>…) and the engine's are spelled alike.
        self._write(source, _inline(flags, ":") if flags != before else None)
        self._sizes.append(1)
        self._flags.append(flags)

    def _close(self) -> None:
        if len(self._sizes) == 1:
            raise self._refusal("unopened group")
        self._write(")")
        self._flags.pop()
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


def _inline(flags: frozenset[str], end: str) -> str:
    """Return the engine's flags; without `u`, case is dealt with here."""
    wanted = {"m", "s"} & flags | ({"i"} if {"i", "u"} <= flags else set())
    on, off = ("".join(sorted(each)) for each in (wanted, {"i", "m", "s"} - wanted))
    # f would have one character be equal to two.
    return f"(?{on}-{off}f{end}"


def _code_point(source: str) -> int | None:
    """Return the character that an escape stands for, None if it stands for anything else."""
    letter = source[1]
    if letter in "xu" and len(source) > len(r"\x"):
        return int(source[2:].strip("{}"), 16)
    if letter == "c" and len(source) > len(r"\c"):
        return ord(source[2]) ^ 64
    if source in _CONTROL:
        return _CONTROL[source]
    return None if letter.isascii() and letter.isalnum() else ord(letter)


def _range(first: int, last: int) -> str:
    start, end = (
        chr(point) if chr(point).isalnum() else f"\\U{point:08x}" for point in (first, last)
    )
    return start if first == last else f"{start}-{end}"
