r"""Java's names of kinds of characters, `\p{…}`, that the `regex` package lacks or has otherwise.

Java's POSIX names are ASCII, and `javaLowerCase` is what its method `Character.isLowerCase` says.

Source: the class `Pattern` of Java 21.
"""

_MEMBERS = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7F",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Alnum": "0-9A-Za-z",
    "Punct": r"!-/:-@\[-`{-\~",
    "Graph": r"!-\~",
    "Print": r"\x20-\~",
    "Blank": r"\x20\t",
    "Cntrl": r"\x00-\x1F\x7F",
    "XDigit": "0-9A-Fa-f",
    "Space": r"\x20\t\n\x0B\f\r",
    "javaLowerCase": r"\p{Lowercase}",
    "javaUpperCase": r"\p{Uppercase}",
    "javaTitleCase": r"\p{Lt}",
    "javaAlphabetic": r"\p{Alphabetic}",
    "javaIdeographic": r"\p{Ideographic}",
    "javaLetter": r"\p{L}",
    "javaDigit": r"\p{Nd}",
    "javaLetterOrDigit": r"\p{L}\p{Nd}",
    "javaDefined": r"\P{Cn}",
    "javaSpaceChar": r"\p{Z}",
    "javaWhitespace": r"\t-\r\x1C-\x20\u1680\u2000-\u2006\u2008-\u200A\u2028\u2029\u205F\u3000",
    "javaISOControl": r"\p{Cc}",
    "javaMirrored": r"\p{Bidi_Mirrored}",
}
_OF_BOTH_CASES = {
    "Lower": "A-Za-z",
    "Upper": "A-Za-z",
    "javaLowerCase": r"\p{Lowercase}\p{Uppercase}\p{Lt}",
    "javaUpperCase": r"\p{Lowercase}\p{Uppercase}\p{Lt}",
    "javaTitleCase": r"\p{Lowercase}\p{Uppercase}\p{Lt}",
}


def translate_property(source: str, *, ignores_case: bool) -> str:
    r"""Return `\p{…}` or `\P{…}` for the engine; what both know under one name stays."""
    name = source[3:-1].removeprefix("^")
    members = (_OF_BOTH_CASES.get(name) if ignores_case else None) or _MEMBERS.get(name)
    if members is None:
        return source
    negated = (source[1] == "P") != (source[3:4] == "^")
    return f"[{'^' if negated else ''}{members}]"
