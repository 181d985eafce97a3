import re
import time
from collections.abc import Iterable
from string import ascii_letters, digits
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.wire.context_header import MOST_ATTRIBUTES, NO_CONTEXT, parse_context

NAMES = st.text(min_size=1, max_size=8).filter(lambda name: name == name.strip())
VALUES = st.text(max_size=8).filter(lambda value: "," not in value)


def encoded(name: str, *values: str) -> str:
    """What an SDK writes for one attribute."""
    return f"{quote_plus(name)}={quote_plus(','.join(values))}"


@given(context=st.dictionaries(NAMES, VALUES, min_size=1, max_size=MOST_ATTRIBUTES))
def test_what_an_sdk_tells_is_what_is_heard(context: dict[str, str]) -> None:
    pieces = [encoded(name, value) for name, value in context.items()]
    expected = {name: (value,) for name, value in context.items()}
    assert parse_context([",".join(pieces)]) == expected
    assert parse_context(pieces) == expected


@given(
    context=st.dictionaries(
        st.from_regex(re.compile(r"[a-z]\w{0,5}", re.ASCII), fullmatch=True),
        VALUES,
        min_size=1,
        max_size=MOST_ATTRIBUTES,
    )
)
def test_what_python_s_sdk_joins_with_ampersands_is_heard(context: dict[str, str]) -> None:
    line = "&".join(f"{name}={quote(value)}" for name, value in context.items())
    assert parse_context([line]) == {name: (value,) for name, value in context.items()}


@given(values=st.lists(VALUES.filter(bool), min_size=2, max_size=5))
def test_encoded_commas_make_a_list(values: list[str]) -> None:
    assert parse_context([encoded("colours", *values)]) == {"colours": tuple(values)}


def by_the_letter(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read a context character by character, as section 1.5 of the contract tells it."""
    context: dict[str, tuple[str, ...]] = {}
    for piece in (piece for line in lines for piece in pieces(line)):
        if "=" not in piece:
            continue
        at = piece.index("=")
        name, value = unescaped(piece[:at].strip()), unescaped(piece[at + 1 :])
        if name is None or value is None:
            continue
        if name not in context and len(context) == 30:
            continue
        values = value.split(",")
        while len(values) > 1 and values[-1] == "":
            del values[-1]
        # What consists of commas has no values at all; what is empty is one empty value.
        context[name] = () if values == [""] and value else tuple(values)
    return context


def pieces(line: str) -> list[str]:
    """Part a line at its commas; at its ampersands where all that these part are attributes."""
    parts = line.split("&")
    if len(parts) == 1 or not all(part.count("=") == 1 for part in parts):
        return line.split(",")
    word = set(ascii_letters + digits + "_")
    for name, value in (part.split("=") for part in parts):
        if name[:1] not in word or not set(name) <= word | set(" .-"):
            return line.split(",")
        if not set(value) <= word | set(".~/%-"):
            return line.split(",")
    return parts


def unescaped(text: str) -> str | None:
    """Undo the encoding of a form, or return None if it can't be undone."""
    units = bytearray()
    rest = list(text)
    while rest:
        character = rest.pop(0)
        if character == "%":
            digits = "".join(rest[:2])
            if len(digits) < 2 or not set(digits) <= set("0123456789abcdefABCDEF"):
                return None
            units.append(int(digits, 16))
            del rest[:2]
        elif "\ud800" <= character <= "\udfff":
            return None
        else:
            units += (" " if character == "+" else character).encode()
    return units.decode(errors="replace")


HOSTILE = st.lists(
    st.sampled_from(
        [*"ab%2Cc=+, \t\xff\0\r\n&;", "%2C", "%2c", "%25", "%00", "%0d%0a", "%E2%9D%A4", "%E2%9D",
         "%ff", "=", ",", "\u2028", "\ud83d", "\u0661", "\uff11", "=x,"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(lines=st.lists(HOSTILE, max_size=4))
def test_whatever_comes_is_read_by_the_letter(lines: list[str]) -> None:
    assert parse_context(lines) == by_the_letter(lines)


@given(names=st.lists(st.integers(min_value=0, max_value=60), max_size=80))
def test_no_context_has_more_than_30_names(names: list[int]) -> None:
    line = ",".join(f"{name}={position}" for position, name in enumerate(names))
    found = parse_context([line])
    assert found == by_the_letter([line])
    assert list(found) == [str(name) for name in dict.fromkeys(names)][:MOST_ATTRIBUTES]


@pytest.mark.parametrize("piece", ["a=", ",", "a=%41", "a=%2C,", "%", "a=%zz,", "=", "a,", "a=&"])
def test_a_header_as_long_as_may_be_is_read_in_linear_time(piece: str) -> None:
    text = piece * (64 * 1024 // len(piece))
    started = time.process_time()
    parse_context([text])
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("header", "context"),
    [
        ("", {}),
        (",,", {}),
        ("userkey", {}),
        ("userkey=", {"userkey": ("",)}),
        ("=fred", {"": ("fred",)}),
        ("a=b=c", {"a": ("b=c",)}),
        ("a=1,a=2", {"a": ("2",)}),
        ("a=1, b=2", {"a": ("1",), "b": ("2",)}),
        ("a= 1 ", {"a": (" 1 ",)}),
        ("user+key=fred+jones", {"user key": ("fred jones",)}),
        ("a=1%2B1", {"a": ("1+1",)}),
        ("A=1,a=2", {"A": ("1",), "a": ("2",)}),
        ("a%3Db=%3D", {"a=b": ("=",)}),
        ("%2C=x", {",": ("x",)}),
        ("name=%E2%9D%A4", {"name": ("❤",)}),
        ("a=b%2c", {"a": ("b",)}),
        ("a=b%2C%2Cc%2C%2C", {"a": ("b", "", "c")}),
        ("a=%2C", {"a": ()}),
        ("a=1&b=2", {"a": ("1",), "b": ("2",)}),
        (
            "userkey=fred&user type=x&v=1.2-3",
            {"userkey": ("fred",), "user type": ("x",), "v": ("1.2-3",)},
        ),
        ("a=x%26y%3Dz&b=50%25%2C%20/~_", {"a": ("x&y=z",), "b": ("50%", " /~_")}),
        ("a=&b=", {"a": ("",), "b": ("",)}),
        ("a=1&a=2", {"a": ("2",)}),
        ("a=%zz&b=2", {"b": ("2",)}),
        ("a=1&b=2,c=3", {"a": ("1&b=2",), "c": ("3",)}),
        ("a=R&D", {"a": ("R&D",)}),
        ("a=R&D&b=2", {"a": ("R&D&b=2",)}),
        ("a=http://x?p=1&q=2", {"a": ("http://x?p=1&q=2",)}),
        ("a=1&=2", {"a": ("1&=2",)}),
        ("a=1&", {"a": ("1&",)}),
        ("a=b+c&d=e", {"a": ("b c&d=e",)}),
    ],
)
def test_attributes(header: str, context: dict[str, tuple[str, ...]]) -> None:
    assert parse_context([header]) == context


@pytest.mark.parametrize("broken", ["a=%", "a=%2", "a=%zz", "a=%2x", "%=b", "%u0041=b", "a=x%"])
def test_a_broken_escape_costs_its_own_attribute_only(broken: str) -> None:
    assert parse_context([f"x=1,{broken},y=2"]) == {"x": ("1",), "y": ("2",)}


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert parse_context(["a=%ff"]) == {"a": ("�",)}


def test_a_later_line_replaces_an_earlier_one() -> None:
    assert parse_context(["a=1,b=1", "a=2%2C3"]) == {"a": ("2", "3"), "b": ("1",)}


def test_new_names_are_ignored_after_30_and_known_ones_are_not() -> None:
    line = ",".join(f"a{number}=x" for number in range(40))
    context = parse_context([line, "a3=late,a35=late"])
    assert list(context) == [f"a{number}" for number in range(30)]
    assert context["a3"] == ("late",)


def test_nothing_is_no_context() -> None:
    assert parse_context([]) is NO_CONTEXT
    assert parse_context(["broken"]) is NO_CONTEXT
