import pytest
import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair, open_stream_to_socket_listener

from fh.http.resumed import Resumed


async def test_what_was_read_before_comes_first() -> None:
    near, far = memory_stream_pair()
    stream = Resumed(near, b"GET ", send_seconds=1)
    await far.send_all(b"/")
    assert await stream.receive_some(100) == b"GET "
    assert await stream.receive_some(100) == b"/"
    await far.send_eof()
    assert await stream.receive_some(100) == b""


async def test_what_is_sent_arrives_and_ends() -> None:
    near, far = memory_stream_pair()
    stream = Resumed(near, b"", send_seconds=1)
    await stream.wait_send_all_might_not_block()
    await stream.send_all(b"")
    await stream.send_all(b"answer" * 10_000)
    await stream.send_eof()
    received = b""
    while data := await far.receive_some():
        received += data
    assert received == b"answer" * 10_000
    await stream.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await stream.receive_some(1)


async def test_a_client_that_reads_slowly_gets_all_and_one_that_stops_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    near, far = lockstep_stream_pair()
    stream = Resumed(near, b"", send_seconds=10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, b"x" * 100_000)
        received = 0
        while received < 100_000:
            await trio.sleep(6)
            received += len(await far.receive_some(16 * 1024))
    before = trio.current_time()
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"x" * 100_000)
    assert trio.current_time() - before == pytest.approx(10)


async def test_only_a_socket_has_a_socket() -> None:
    assert Resumed(memory_stream_pair()[0], b"", send_seconds=1).socket is None
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener, await open_stream_to_socket_listener(listener) as stream:
        assert Resumed(stream, b"", send_seconds=1).socket is stream.socket
