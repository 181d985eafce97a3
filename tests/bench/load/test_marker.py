import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.marker import MARKER_BYTES, marker_text, padded_value, scan

numbers = st.integers(min_value=0, max_value=9_999_999_999)
noise = st.sampled_from(["", "x", "f", "fh", "fhbench:", "fhbench:00000", "fhfhbench", ";", "é"])


@given(
    parts=st.lists(st.tuples(noise, numbers), max_size=5),
    end=noise,
    cuts=st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=8),
)
def test_every_marker_is_found_once_however_the_bytes_are_cut(parts, end, cuts):
    data = ("".join(before + marker_text(number) for before, number in parts) + end).encode()
    found, rest, position = [], b"", 0
    for turn in range(len(data) + 1):
        size = cuts[turn % len(cuts)]
        piece, rest = scan(rest + data[position : position + size])
        found += piece
        position += size
    assert found == [number for _, number in parts]


@pytest.mark.parametrize("kept", range(1, MARKER_BYTES))
def test_a_marker_cut_anywhere_is_kept_as_the_rest(kept):
    marker = marker_text(17).encode()
    assert scan(b"data: " + marker[:kept]) == ([], marker[:kept])


def test_bytes_that_can_not_start_a_marker_are_not_kept():
    assert scan(b'"value":"xxxx"}\n\n\r\n') == ([], b"")


def test_something_that_only_looks_like_a_marker_does_not_count():
    assert scan(b"fhbench:00000000x7; fhbench:00000000017 fhbench:0000000003;") == ([3], b"")


def test_a_marker_passes_through_json_unchanged():
    value = padded_value(17, 60)
    assert len(value) == 60
    assert scan(json.dumps({"value": value}).encode()) == ([17], b"")


def test_a_value_is_never_shorter_than_its_marker():
    assert padded_value(17, 1) == marker_text(17)
