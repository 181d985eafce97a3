import pytest
import trio
import trio.testing
from hypercorn.config import Config
from hypercorn.trio import serve
from prometheus_client import CollectorRegistry

from fh.http.asgi import ClientTooSlow, guarded, paced
from fh.http.cors import Cors
from fh.http.metrics import HttpMetrics
from fh.http.quart_app import Face, create_app

MEBIBYTE = 1_048_576


async def test_what_is_too_much_is_thrown_away_before_anybody_keeps_it():
    seen = []

    async def app(scope, receive, send):
        for _ in range(30):
            message = await receive()
            seen.append(len(message["body"]))

    async def receive():
        return {"type": "http.request", "body": b"x" * MEBIBYTE, "more_body": True}

    async def send(message): ...

    await guarded(app, lambda scope: scope["most"])(
        {"type": "http", "most": 3 * MEBIBYTE}, receive, send
    )
    assert sum(seen) == 4 * MEBIBYTE
    assert seen[-1] == 0


async def test_other_messages_pass_unchanged():
    seen = []
    messages = iter([{"type": "http.disconnect"}, {"type": "websocket.receive", "text": "x"}])

    async def app(scope, receive, send):
        seen.append(await receive())

    async def receive():
        return next(messages)

    async def send(message): ...

    await guarded(app, lambda _: MEBIBYTE)({"type": "http"}, receive, send)
    await guarded(app, lambda _: MEBIBYTE)({"type": "websocket"}, receive, send)
    assert [message["type"] for message in seen] == ["http.disconnect", "websocket.receive"]


async def test_only_the_last_message_of_an_answer_can_not_be_cancelled():
    finished = []

    async def app(scope, receive, send):
        for more in (True, False):
            with trio.CancelScope() as cancelled:
                cancelled.cancel()
                await send({"type": "http.response.body", "body": b"", "more_body": more})

    async def receive(): ...

    async def send(message):
        await trio.lowlevel.checkpoint()
        finished.append(message["more_body"])

    await guarded(app, lambda _: MEBIBYTE)({"type": "http"}, receive, send)
    assert finished == [False]


async def test_a_connection_that_is_not_kept_alive_is_closed(nursery):
    app = create_app(Face([], None, {}, HttpMetrics(CollectorRegistry(), []), Cors(), None))
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    [address] = await nursery.start(serve, app, config)
    with trio.fail_after(5):
        async with await trio.open_tcp_stream("127.0.0.1", int(address.split(":")[-1])) as stream:
            await stream.send_all(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b"".join([part async for part in stream])
    assert answer.startswith(b"HTTP/1.1 404")
    nursery.cancel_scope.cancel()


async def test_a_body_leaves_in_pieces_that_say_whether_more_follows():
    sent = []

    async def send(message):
        sent.append(message)

    send_paced = paced(send, 1)
    await send_paced({"type": "http.response.start", "status": 200})
    await send_paced({"type": "http.response.body", "body": b"x" * 40_000, "more_body": True})
    await send_paced({"type": "http.response.body", "body": b"y" * 32_768})
    await send_paced({"type": "http.response.body"})
    assert [(len(message.get("body", b"")), message.get("more_body")) for message in sent] == [
        (0, None),
        (16_384, True),
        (16_384, True),
        (7_232, True),
        (16_384, True),
        (16_384, False),
        (0, None),
    ]


async def test_who_takes_slowly_is_waited_for_and_who_takes_nothing_is_given_up(
    autojump_clock: trio.testing.MockClock,
):
    taken = 0

    async def send(message):
        nonlocal taken
        await trio.sleep(9)
        taken += len(message["body"])

    body = {"type": "http.response.body", "body": b"x" * 100_000}
    await paced(send, 10)(body)
    assert taken == 100_000
    began = trio.current_time()
    with pytest.raises(ClientTooSlow):
        await paced(send, 8)(body)
    assert trio.current_time() - began == 8
