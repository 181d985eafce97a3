import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fh.strategies.patterns import LONGEST_MATCH_SECONDS, CutOffs, matches_any

CATASTROPHES = [
    ("(a|a)*", "a" * 40 + "b"),
    ("(((a{0,100}){0,100}){0,100}){0,100}", "a" * 50 + "b"),
    ("(?:(?:.*.*)*=.*)+[bc]", "x=" * 3000),
    ("(?i)(a|aa)+$", "a" * 3000 + "!"),
    ("(?=(a|aa)+c)a*", "a" * 1000),
    ("(.*?,){11}P", ",".join("1" * 9000)),
]


def matched(pattern: str, text: str) -> bool:
    return matches_any([pattern], CutOffs())(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a|ab", "ab"),
        ("[a-z&&[^aeiou]]+", "bcd"),
        ("a++b", "aab"),
        (r"(?<n>a+)-\k<n>", "aa-aa"),
        (r"\Qa.b\E", "a.b"),
        (r"\p{L}+", "é"),
        (r"\p{IsLatin}+", "é"),
        ("(?iu)É", "é"),
        ("(?i)mary[a-c]+", "MaryABc"),
        ("(?s)a.b", "a\rb"),
        ("[a||b]+", "a|b"),
        ("[a~~b]+", "a~b"),
        ("[+--]+", "+,-"),
        (r"\cA\x{41}\e", "\x01A\x1b"),
        (r"\p{javaLowerCase}+", "aé"),
        (r"\P{javaLowerCase}", "É"),
        (r"(?i)\p{Upper}\p{Lower}", "aB"),
        (r"(?i)(a)\1", "aA"),
        (r"\w+@(?!example)\w+\.com", "mary@mary.com"),
        (r"[^\d]+", "abc"),
        (r"a\Z", "a"),
    ],
)
def test_patterns_mean_what_they_mean_in_java(pattern: str, text: str) -> None:
    assert matched(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("a", "ab"), ("b", "ab"), (r"\d", "٣"), (r"\w", "é"), (r"a\Z", "a\n")]
    + [("a.b", f"a{end}b") for end in "\n\r\u0085\u2028\u2029"]
    + [("(?i)É", "é"), ("(?i)k", "\u212a"), ("(?i)ss", "ß"), ("(?iu)ss", "ß"), ("(?i)[^a]", "A")]
    + [(r"\p{Lower}", "é"), (r"\p{javaLowerCase}", "É"), ("(?i)a(?-i)b", "AB"), ("[a--b]", "a")],
)
def test_a_match_is_a_match_of_the_whole_and_classes_are_ascii(pattern: str, text: str) -> None:
    assert not matched(pattern, text)


@pytest.mark.parametrize("pattern", ["(", "a{3}{3}", "*", r"\p{javaNothing}", "a" * 5000])
def test_a_pattern_that_can_not_be_compiled_matches_nothing(pattern: str) -> None:
    assert not matched(pattern, pattern)
    assert matches_any([pattern, "b"], CutOffs())("b")


@pytest.mark.parametrize(("pattern", "text"), CATASTROPHES)
def test_a_catastrophic_pattern_is_stopped_and_cut_off_from_then_on(
    pattern: str, text: str
) -> None:
    # Ruling 23, fixed.
    cut_offs = CutOffs()
    meets = matches_any([pattern, "fine"], cut_offs)
    assert not meets(text)
    assert cut_offs.forbids(pattern, text)
    assert cut_offs.count == 1

    started = time.process_time()
    assert not any(meets(text) for _ in range(10))
    assert time.process_time() - started < 10 * LONGEST_MATCH_SECONDS
    assert cut_offs.count == 1
    assert meets("fine")


@pytest.mark.parametrize("pattern", ["(.*)@(.*)[.]com", ".*-beta-.*-eu"])
def test_an_absurd_text_does_not_switch_a_rule_off_for_everybody_else(pattern: str) -> None:
    # Harmless with what people have, quadratic with what somebody may send.
    cut_offs = CutOffs()
    meets = matches_any([pattern], cut_offs)
    for text in ("@" * 60_000, "-beta-" * 10_000):
        assert not meets(text)
    assert cut_offs.count == 1
    assert meets("mary@mary.com" if "@" in pattern else "app-beta-7-eu")


@pytest.mark.parametrize(("pattern", "text"), CATASTROPHES)
def test_whatever_lengths_somebody_tries_the_waste_is_bounded(pattern: str, text: str) -> None:
    cut_offs = CutOffs()
    meets = matches_any([pattern], cut_offs)
    tail = text[-1]
    for length in range(len(text), 0, -max(1, len(text) // 200)):
        meets(text[: length - 1] + tail)
    assert 1 <= cut_offs.count <= len(text).bit_length()


def test_a_rule_compiled_again_does_not_get_its_time_again() -> None:
    pattern, text = CATASTROPHES[0]
    cut_offs = CutOffs()
    for _ in range(3):
        assert not matches_any([pattern], cut_offs)(text)
    assert cut_offs.count == 1


def test_only_so_many_cut_off_patterns_are_remembered() -> None:
    cut_offs = CutOffs(capacity=2)
    for pattern in "abc":
        cut_offs.add(pattern, "text")
    assert [cut_offs.forbids(pattern, "text") for pattern in "abc"] == [False, True, True]
    assert not cut_offs.forbids("c", "te")
    assert cut_offs.count == 3


@settings(deadline=None)  # a pattern may use its time up
@given(
    st.text(alphabet=r"ab\QEdkzn()[]{}?*+|^$&-<>:=!iU0159,." + "é", max_size=12),
    st.text(max_size=12),
)
def test_no_pattern_raises(pattern: str, text: str) -> None:
    assert matches_any([pattern], CutOffs())(text) in (True, False)
