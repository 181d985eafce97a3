from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.model.ids import signed_halves


@pytest.mark.parametrize(
    ("identifier", "halves"),
    [
        ("00000000-0000-0000-0000-000000000000", (0, 0)),
        ("7fffffff-ffff-ffff-7fff-ffffffffffff", ((1 << 63) - 1, (1 << 63) - 1)),
        ("80000000-0000-0000-8000-000000000000", (-(1 << 63), -(1 << 63))),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", (-1, -1)),
        ("00000000-0000-0001-ffff-fffffffffffe", (1, -2)),
    ],
)
def test_each_half_is_a_signed_number_of_64_bits(identifier: str, halves: tuple[int, int]) -> None:
    assert signed_halves(UUID(identifier)) == halves


def test_identifiers_that_start_with_8_to_f_come_first() -> None:
    starts = sorted("0123456789abcdef", key=lambda digit: signed_halves(UUID(digit * 32)))
    assert "".join(starts) == "89abcdef01234567"


def test_the_second_half_is_signed_too() -> None:
    low, high = UUID(int=1), UUID(int=1 << 63)
    assert signed_halves(high) < signed_halves(low)


@given(identifier=st.uuids())
def test_the_halves_make_up_the_identifier(identifier: UUID) -> None:
    first, second = signed_halves(identifier)
    packed = first.to_bytes(8, "big", signed=True) + second.to_bytes(8, "big", signed=True)
    assert packed == identifier.bytes
