import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.strategies.java_regex import LARGEST_PATTERN_NODES, UnsupportedPattern, translate


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a|b*?c++",
        "(?:a(?=b)(?!c)(?<=d)(?<!e)(?>f)(?<name>g))",
        "[]a-z&&[^aeiou]]",
        r"\p{Lu}\P{IsLatin}\pL\x41\u0041\t\bA\1",
        r"a{3}b{2,}c{0,5}?d{4}+",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"\.\-\{\é",
        "}",
    ],
)
def test_what_both_dialects_share_stays(pattern: str) -> None:
    assert translate(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\d[\w-]", r"[0-9][[A-Za-z0-9_]\U0000002d]"),
        ("a.b", r"a[^\n\r\u0085\u2028\u2029]b"),
        ("(?s)a.b", "(?s-imf)a.b"),
        ("(?i)a1(?s-m:é.)b.", r"(?-imsf)[aA]1(?s-imf:é.)[bB][^\n\r\u0085\u2028\u2029]"),
        ("(?iu)aé", "(?i-msf)aé"),
        ("(?m)((?i)a)a", "(?m-isf)((?m-isf)[aA])a"),
        (r"(?i)\Qa.\E\x41\u0062", r"(?-imsf)[aA]\.[Aa][bB]"),
        (r"(?i)(a)\1(?<n>b)\k<n>", r"(?-imsf)([aA])(?i-f:\1)(?<n>[bB])(?i-f:(?P=n))"),
        ("(?i)[^x-z1-9[é]]", "(?-imsf)[^x-zX-Z1-9[é]]"),
        ("[a||b~~]", r"[a\U0000007c\U0000007cb\U0000007e\U0000007e]"),
        (r"\cA\x{41}\e", "\x01A\x1b"),
        (r"[\x{41}-\x43]", "[A-C]"),
        (r"\p{javaLetter}[\P{Digit}]", r"[\p{L}][[^0-9]]"),
        (r"\Qa.b\E+", r"a\.b+"),
        (r"\Qa.(", r"a\.\("),
        (r"(?<n>a)\k<n>", "(?<n>a)(?P=n)"),
        (r"a\z", r"a\Z"),
    ],
)
def test_what_differs_is_rewritten(pattern: str, expected: str) -> None:
    assert translate(pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a{e<=1}", "not a count"),
        ("[a--b]", "not a range"),
        (r"\x{110000}", "no character"),
        (r"[\x{110000}]", "no character"),
        (r"[a-\d]", "not a range"),
        ("a(?i){2}", "nothing to repeat"),
        ("a{,3}", "not a count"),
        ("a{100000}", "not a count"),
        ("(?R)", "unknown group"),
        ("(?x) a", "unknown group"),
        ("(?#comment)", "unknown group"),
        ("(*SKIP)", "unknown group"),
        ("(a", "unclosed group"),
        ("a)", "unopened group"),
        ("[a", "unclosed class"),
        ("[[a]", "unclosed class"),
        ("a\\", "dangling backslash"),
        (r"\L<names>", "unknown escape"),
        (r"\y", "unknown escape"),
        (r"[\Qa\E]", "unknown escape"),
        (r"[\b]", "escape in a class"),
        ("a" * 5000, "too long"),
        ("(" * 100 + ")" * 100, "groups too deep"),
    ],
)
def test_what_java_never_had_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(UnsupportedPattern) as refused:
        translate(pattern)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "pattern",
    [
        "(((a{1000}){1000}){1000}){1000}",
        "((.{100}){100}){100}",
        "(?:[ab]{200}){200,}",
        r"(\Qabc\E{200}){200}",
        "a{9000}b{9000}",
    ],
)
def test_a_pattern_that_would_take_gigabytes_is_refused_before_it_is_compiled(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern, match="too large"):
        translate(pattern)


def test_repeats_that_need_not_happen_cost_nothing() -> None:
    assert translate("((a{0,9999}){0,9999}){1,9999}")
    assert translate(f"a{{{LARGEST_PATTERN_NODES}}}")


@given(st.text(alphabet=r"ab\QEdkzcxsp()[]{}?*+|^$&-<>:=!iU0159,." + "é", max_size=25))
def test_a_pattern_is_translated_or_refused(pattern: str) -> None:
    with contextlib.suppress(UnsupportedPattern):
        assert len(translate(pattern)) >= pattern.count("(")
