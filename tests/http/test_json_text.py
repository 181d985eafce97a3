import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.http.json_text import find_lone_surrogate, find_nul, is_deeper, place_at

MEBIBYTE = 1_048_576

JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='a"\\[]{},:\0😀', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('a"[}', max_size=3), inner, max_size=3)
    ),
    max_leaves=20,
)


def depth_of(value: object) -> int:
    match value:
        case dict():
            return 1 + max(map(depth_of, value.values()), default=0)
        case list():
            return 1 + max(map(depth_of, value), default=0)
        case _:
            return 0


def holds_nul(value: object) -> bool:
    match value:
        case dict():
            return any(map(holds_nul, value.values()))
        case list():
            return any(map(holds_nul, value))
        case _:
            return isinstance(value, str) and "\0" in value


@given(JSON)
def test_what_is_seen_in_the_text_is_in_the_value(value):
    text = json.dumps(value).encode()
    assert (find_nul(text) is not None) == holds_nul(value)
    assert find_lone_surrogate(text) is None
    depth = depth_of(value)
    assert not is_deeper(text, depth)
    assert depth == 0 or is_deeper(text, depth - 1)


@given(st.binary(max_size=60))
def test_any_bytes_are_looked_over(text):
    find_nul(text)
    find_lone_surrogate(text)
    is_deeper(text, 2)
    place_at(text, len(text) // 2)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (rb'"\ud83d\ude00"', None),
        (rb'"\uD83D\uDE00\uD83D\uDE00"', None),
        (rb'"\\ud83d"', None),
        (rb'"\\\ud83d"', 3),
        (rb'"\ud83d"', 1),
        (rb'"\ude00"', 1),
        (rb'"\ud83d\ud83d\ude00"', 1),
        (rb'"\ud83d\ude00\ude00"', 13),
        # Between an escaped backslash and half a pair there is no other half.
        (rb'"\\ud83d\ude00"', 8),
        (rb'"\ud83d\\\ude00"', 1),
        (rb'"\ud83dx"', 1),
        (rb'"\u00e4\ud7ff\ue000"', None),
    ],
)
def test_half_a_pair_is_found_where_it_stands(text, position):
    assert find_lone_surrogate(text) == position


def test_where_the_look_ends_no_pair_is_cut_in_two():
    for shift in range(14):
        text = b"x" * (64 * 1024 - shift) + rb"\ud83d\ude00"
        assert find_lone_surrogate(text) is None
        assert find_lone_surrogate(text[:-6] + b"x") == (len(text) - 12 if shift else None)


@pytest.mark.parametrize(
    ("text", "position"), [(rb'"\u0000"', 1), (rb'"\\u0000"', None), (rb'"\\\u0000"', 3)]
)
def test_nul_is_found_where_it_stands(text, position):
    assert find_nul(text) == position


def test_depth_is_followed_through_parts_and_strings():
    for filler in (b"[],", b'"[",', b'"\\"[",', b'"[]]","{",'):
        text = b"[" + filler * (MEBIBYTE // len(filler)) + b"[[]]]"
        assert not is_deeper(text, 3)
        assert is_deeper(text, 2)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{"a": 1, "people": [{}, {"email": "@"}]}', "people[1].email"),
        (b'["", "@"]', "[1]"),
        (b'{"a": {"b": []}, "c": "@"}', "c"),
        (b'{"a": [1, 2], "@": 1}', None),
        (b'"@"', None),
        (b"]}@", None),
    ],
)
def test_a_place_is_told_as_a_path(text, place):
    assert place_at(text, text.index(b"@")) == place


def test_nobody_looks_far_for_a_place():
    text = b'{"a": "' + b"x" * MEBIBYTE + b'"}'
    assert place_at(text, 100) == "a"
    assert place_at(text, MEBIBYTE) is None


def test_a_string_that_is_cut_off_is_read_once():
    """From each of its quotes to the end it would be read 30,000 times, which takes minutes."""
    assert place_at(b'{"a": "\\u0000' + b'\\"' * MEBIBYTE, 8) == "a"
