import pytest
import trio

from fh.http.body import read_body
from fh.http.decoding import LARGEST_BODY_BYTES
from fh.http.problem import Problem

MEBIBYTE = 1_048_576


class Endless:
    """A request whose body never ends, or stalls."""

    def __init__(self, *, stalls: bool = False) -> None:
        self.stalls = stalls
        self.parts = 0
        self.body = self

    def __aiter__(self) -> "Endless":
        return self

    async def __anext__(self) -> bytes:
        if self.stalls:
            await trio.sleep_forever()
        self.parts += 1
        return b"x" * MEBIBYTE


async def test_an_endless_body_is_refused_as_soon_as_it_is_too_large():
    request = Endless()
    with pytest.raises(Problem) as caught:
        await read_body(request)
    assert caught.value.status == 413
    assert request.parts == LARGEST_BODY_BYTES // MEBIBYTE + 1


async def test_a_body_that_never_comes_is_given_up(autojump_clock):
    with pytest.raises(Problem) as caught:
        await read_body(Endless(stalls=True))
    assert caught.value.status == 408
