import pytest
import regex

from fh.strategies.java_properties import _MEMBERS, translate_property


@pytest.mark.parametrize(
    ("name", "members", "others"),
    [
        ("Lower", "az", "Aé1"),
        ("Upper", "AZ", "aÉ"),
        ("Alpha", "aZ", "é1"),
        ("Punct", "!/:@[`{~-]\\^", " a1€"),
        ("Graph", "!~a", " \x7f"),
        ("Print", " ~", "\t\x7f"),
        ("Blank", " \t", "\n"),
        ("Space", " \t\n\x0b\f\r", "\u2028"),
        ("XDigit", "09afAF", "gG"),
        ("javaLowerCase", "aéª", "AÉ1"),
        ("javaUpperCase", "AÉ", "aé1"),
        ("javaLetterOrDigit", "aé1٣", "_ "),
        ("javaWhitespace", " \t\x1c\u2028\u3000", "\xa0\u2007\u202f"),
        ("javaSpaceChar", " \xa0", "\t"),
    ],
)
def test_a_name_means_what_it_means_in_java(name: str, members: str, others: str) -> None:
    translated = translate_property(rf"\p{{{name}}}", ignores_case=False)
    negated = translate_property(rf"\P{{{name}}}", ignores_case=False)
    for text, matches in [(members, True), (others, False)]:
        for character in text:
            for pattern, expected in [(translated, matches), (negated, not matches)]:
                found = regex.fullmatch(pattern, character, regex.VERSION1)
                assert (found is not None) == expected, (pattern, character)


@pytest.mark.parametrize("name", _MEMBERS)
def test_every_name_can_be_compiled_alone_and_in_a_class(name: str) -> None:
    for ignores_case in (False, True):
        translated = translate_property(rf"\p{{{name}}}", ignores_case=ignores_case)
        regex.compile(f"{translated}[a{translated}]", regex.VERSION1)


def test_where_case_is_ignored_names_of_cases_are_one() -> None:
    assert translate_property(r"\p{Lower}", ignores_case=True) == "[A-Za-z]"


def test_what_the_engine_calls_the_same_stays() -> None:
    assert translate_property(r"\p{IsLatin}", ignores_case=True) == r"\p{IsLatin}"
