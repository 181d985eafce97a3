"""A connection on a stream that a test can hold up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing

from fh.http.conversation import Bearer, Conversation, Offer, Terms
from tests.http.face_under_test import App
from tests.http.h2_client import H2Client

pytestmark = pytest.mark.usefixtures("complaints")


@dataclass
class Held(trio.abc.HalfCloseableStream):
    """Sends as often as it is allowed to, and then waits."""

    inner: trio.StapledStream
    allowed: float = float("inf")
    opened: trio.Event = field(default_factory=trio.Event)

    async def send_all(self, data: bytes) -> None:
        if self.allowed <= 0:
            await self.opened.wait()
        self.allowed -= 1
        await self.inner.send_all(data)

    def open(self) -> None:
        self.allowed = float("inf")
        self.opened.set()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return bytes(await self.inner.receive_some(max_bytes))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def send_eof(self) -> None:
        await self.inner.send_eof()

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class Transport:
    stream: Held
    addresses: tuple = (None, None)

    def abort(self) -> None:
        self.stream.inner.send_stream.close()
        self.stream.inner.receive_stream.close()


@dataclass
class Conversing:
    client: H2Client
    stream: Held
    app: App
    conversation: Conversation
    ended: trio.Event


@asynccontextmanager
async def conversing() -> AsyncIterator[Conversing]:
    near, far = trio.testing.memory_stream_pair()
    app, stream, ended = App(), Held(near), trio.Event()
    conversation = Conversation(
        Offer(app, Terms()), Bearer(Transport(stream), stream, "h2", is_secure=True)
    )

    async def run() -> None:
        await conversation.run()
        ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        client = H2Client(far, scheme="https")
        await client.start()
        yield Conversing(client, stream, app, conversation, ended)
        nursery.cancel_scope.cancel()


async def test_a_request_that_ends_while_its_bytes_leave_spoils_nothing_of_the_others() -> None:
    async with conversing() as talk:
        talk.stream.allowed = 0
        doomed = await talk.client.open("GET", "/stream")
        await trio.testing.wait_all_tasks_blocked()
        # Its head is being sent; lost, the client could not read any other's.
        talk.client.connection.reset_stream(doomed)
        await talk.client.flush()
        await trio.testing.wait_all_tasks_blocked()
        talk.stream.open()
        for _ in range(3):
            answer = await talk.client.ask("GET", "/a")
            assert (answer.status, answer.body) == (200, b"GET /a https 2")
        assert talk.app.ended == 4


async def test_who_waits_for_room_does_not_outlive_the_connection(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with conversing() as talk:
        talk.client.gives_window = False
        numbers = [await talk.client.open("GET", path) for path in ("/big", "/stream")]
        await talk.client.until(lambda: len(talk.client.answers[numbers[0]].body) == 65_535)
        began = trio.current_time()
        await talk.client.stream.aclose()
        with trio.fail_after(5):
            await talk.ended.wait()
        assert trio.current_time() - began < 1
        assert talk.app.ended == 2


async def test_drained_it_tells_the_end_of_every_answer() -> None:
    async with conversing() as talk:
        first = await talk.client.open("GET", "/pause")
        await talk.client.until(lambda: talk.client.answers[first].body == b"x")
        talk.conversation.drain()
        # All that is let through is the head of the second, which was under way before.
        talk.conversation._speaker.is_draining = False
        talk.stream.allowed = 1
        second = await talk.client.open("GET", "/pause")
        await trio.testing.wait_all_tasks_blocked()
        for tick in talk.app.ticks:
            tick.set()
            await trio.testing.wait_all_tasks_blocked()
        assert talk.app.ended == 2
        talk.stream.open()
        await talk.client.until_closed()
        assert talk.client.goodbye is not None
        for number in (first, second):
            answer = talk.client.answers[number]
            assert (answer.body, answer.ended) == (b"x", True)


async def test_a_body_that_nobody_reads_holds_nobody_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with conversing() as talk:
        began = trio.current_time()
        connection = talk.client.connection
        number = await talk.client.open("POST", "/refuse", ends=False, flush=False)
        # All at once, before the application gets its turn.
        for _ in range(1000):
            connection.send_data(number, b"x")
        await talk.client.flush()
        answer = await talk.client.answer(number)
        assert (answer.status, answer.body) == (413, b"too large")
        assert (await talk.client.ask("GET", "/a")).status == 200
        assert trio.current_time() - began < 1
