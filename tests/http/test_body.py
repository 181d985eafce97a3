import threading

import pytest
import trio

from fh.http.body import decode_body, read_body
from fh.http.problem import Problem

MEBIBYTE = 1_048_576


class Endless:
    """A request whose body never ends, or stalls."""

    def __init__(self, *, stalls: bool = False, announced: int | None = None) -> None:
        self.stalls = stalls
        self.parts = 0
        self.content_length = announced
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
        await read_body(request, 3 * MEBIBYTE)
    assert caught.value.status == 413
    assert request.parts == 4


async def test_a_body_that_is_announced_as_too_large_is_not_read_at_all():
    request = Endless(announced=3 * MEBIBYTE + 1)
    with pytest.raises(Problem) as caught:
        await read_body(request, 3 * MEBIBYTE)
    assert (caught.value.status, request.parts) == (413, 0)


async def test_a_body_that_never_comes_is_given_up(autojump_clock):
    with pytest.raises(Problem) as caught:
        await read_body(Endless(stalls=True), MEBIBYTE)
    assert caught.value.status == 408


class Slow:
    """A decoder that takes until it is told to go on."""

    def __init__(self) -> None:
        self.began = trio.Event()
        self.goes_on = threading.Event()
        self.thread = 0

    def decode(self, body: bytes) -> int:
        self.thread = threading.get_ident()
        trio.from_thread.run_sync(self.began.set)
        assert self.goes_on.wait(10)
        return len(body)


async def test_others_are_served_while_a_long_body_is_decoded():
    slow, decoded = Slow(), []

    async def decode() -> None:
        decoded.append(await decode_body(slow, b"x" * MEBIBYTE, trio.CapacityLimiter(1)))

    async with trio.open_nursery() as inner:
        inner.start_soon(decode)
        with trio.fail_after(10):
            await slow.began.wait()
        slow.goes_on.set()
    assert decoded == [MEBIBYTE]
    assert slow.thread != threading.get_ident()


async def test_who_gives_up_does_not_wait_for_the_thread():
    slow, threads = Slow(), trio.CapacityLimiter(1)
    with trio.fail_after(10):
        async with trio.open_nursery() as inner:
            inner.start_soon(decode_body, slow, b"x" * MEBIBYTE, threads)
            await slow.began.wait()
            inner.cancel_scope.cancel()
    assert threads.borrowed_tokens == 1, "it bounds the threads, not those who wait for them"
    slow.goes_on.set()


def test_a_short_body_needs_no_thread():
    slow = Slow()
    slow.decode = len
    assert trio.run(decode_body, slow, b"x", trio.CapacityLimiter(1)) == 1
