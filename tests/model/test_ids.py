from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.model.ids import java_order


def halves(identifier: UUID) -> tuple[int, int]:
    first, second = identifier.bytes[:8], identifier.bytes[8:]
    return int.from_bytes(first, "big", signed=True), int.from_bytes(second, "big", signed=True)


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("00000000-0000-0000-0000-000000000000", (0, 0)),
        ("7fffffff-ffff-ffff-7fff-ffffffffffff", ((1 << 63) - 1, (1 << 63) - 1)),
        ("80000000-0000-0000-8000-000000000000", (-(1 << 63), -(1 << 63))),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", (-1, -1)),
        ("00000000-0000-0001-ffff-fffffffffffe", (1, -2)),
    ],
)
def test_java_sees_two_signed_numbers_of_64_bits(
    identifier: str, expected: tuple[int, int]
) -> None:
    assert halves(UUID(identifier)) == expected


def test_identifiers_that_start_with_8_to_f_come_first() -> None:
    starts = sorted("0123456789abcdef", key=lambda digit: java_order(UUID(digit * 32)))
    assert "".join(starts) == "89abcdef01234567"


def test_the_second_half_is_signed_too() -> None:
    low, high = UUID(int=1), UUID(int=1 << 63)
    assert java_order(high) < java_order(low)


@given(st.uuids(), st.uuids())
def test_the_order_is_that_of_both_halves(one: UUID, other: UUID) -> None:
    assert (java_order(one) < java_order(other)) == (halves(one) < halves(other))
    assert (java_order(one) == java_order(other)) == (one == other)
