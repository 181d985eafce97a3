"""The client against a real server that answers as each test wants."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

import h11
import msgspec
import pytest
import trio
from structlog.testing import capture_logs

from fh.contracts.event_log import Events, NoEventLog, numbered
from fh.contracts.published import (
    CacheEnvironment,
    CacheServiceAccount,
    PublishAction,
    PublishEnvironment,
    PublishServiceAccount,
)
from fh.dacha import http_truth
from fh.dacha.http_truth import HttpTruth, TruthOutOfReach
from fh.http.truth_api import ABSENT
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

ID = EnvironmentId(UUID("6c376de1-3cb8-4297-b641-8f27e0d11612"))
SECRET = "c" * 30 + "*" + "d" * 20
ENVIRONMENT = PublishEnvironment(
    CacheEnvironment(ID, 3), UUID(int=1), UUID(int=2), UUID(int=3), PublishAction.CREATE
)
ACCOUNT = CacheServiceAccount(UUID(int=6), 4, SECRET, "s" * 40)

Answer = Callable[[h11.Request], tuple[int, bytes, *tuple[tuple[str, str], ...]] | None]


@asynccontextmanager
async def truth_at(answer: Answer, **options: object) -> AsyncIterator[HttpTruth]:
    """A client of a server that answers with status, body and headers; None is silence."""

    async def serve(stream: trio.SocketStream) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some(65536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.EndOfMessage):
                answered = answer(request)
                if answered is None:
                    await trio.sleep_forever()
                status, body, *more = answered
                headers = [("content-length", str(len(body))), *more]
                for sent in (
                    h11.Response(status_code=status, headers=headers),
                    h11.Data(data=body),
                    h11.EndOfMessage(),
                ):
                    await stream.send_all(connection.send(sent))
                connection.start_next_cycle()
            else:
                return

    async def serve_until_broken(stream: trio.SocketStream) -> None:
        try:
            await serve(stream)
        except (trio.BrokenResourceError, h11.ProtocolError):
            await stream.aclose()

    async with trio.open_nursery() as nursery:
        listen = partial(trio.serve_tcp, serve_until_broken, 0, host="127.0.0.1")
        listeners = await nursery.start(listen)
        port = listeners[0].socket.getsockname()[1]
        truth = HttpTruth(f"http://127.0.0.1:{port}/context", **options)
        await nursery.start(truth.run)
        yield truth
        nursery.cancel_scope.cancel()


async def test_what_is_known_arrives_and_the_key_is_shown() -> None:
    asked: list[tuple[bytes, bytes | None]] = []

    def answer(request: h11.Request) -> tuple[int, bytes]:
        asked.append((request.target, dict(request.headers).get(b"key")))
        if b"environment" in request.target:
            return 200, b'{"env":' + msgspec.json.encode(ENVIRONMENT) + b',"more":1}'
        return 200, b'{"serviceAccount":' + msgspec.json.encode(ACCOUNT) + b"}"

    async with truth_at(answer, key="secret") as truth:
        assert await truth.load_environment(ID) == ENVIRONMENT
        assert await truth.load_account(SECRET) == ACCOUNT
    assert asked == [
        (f"/context/dacha2/environment/{ID}".encode(), b"secret"),
        (f"/context/dacha2/serviceAccount/{SECRET.replace('*', '%2A')}".encode(), b"secret"),
    ]


def has_routes(request: h11.Request) -> tuple[int, bytes]:
    """Answer as an MR of another make that knows nothing of what is asked for."""
    return (405 if request.method == b"POST" else 404), b""


async def test_a_404_is_a_no_from_a_server_that_has_the_routes() -> None:
    async with truth_at(has_routes) as truth:
        assert await truth.load_environment(ID) is None
        assert await truth.load_account("x") is None
        assert truth.is_truth() is True


async def test_a_404_from_a_server_that_says_it_to_everything_is_no_no() -> None:
    answer = (404, b"")
    async with truth_at(lambda _: answer) as truth:
        with capture_logs() as logs:
            for ask in (truth.load_environment(ID), truth.load_account("x"), truth.events_after(1)):
                with pytest.raises(TruthOutOfReach, match="point dacha"):
                    await ask
        assert [line["event"] for line in logs] == ["truth_asked_of_the_wrong_server"]
        assert logs[0]["address"] == truth.address
        assert "point dacha.url.default" in str(truth.is_truth())
        # Once the right one is there, all is well without a restart.
        answer = (200, b'{"serviceAccount":' + msgspec.json.encode(ACCOUNT) + b"}")
        assert await truth.load_account(SECRET) == ACCOUNT
        assert truth.is_truth() is True


async def test_a_404_of_a_proxy_is_no_no_although_the_right_server_has_answered_before() -> None:
    answers = {b"GET": (200, b'{"serviceAccount":' + msgspec.json.encode(ACCOUNT) + b"}")}
    async with truth_at(lambda request: answers[request.method]) as truth:
        with capture_logs():
            assert await truth.load_account(SECRET) == ACCOUNT
            answers[b"GET"] = answers[b"POST"] = (404, b"")
            for ask in (truth.load_environment(ID), truth.load_account("x"), truth.events_after(1)):
                with pytest.raises(TruthOutOfReach):
                    await ask
            answers[b"POST"] = (405, b"")
            assert await truth.load_account("x") is None
            assert truth.is_truth() is True


async def test_a_404_with_the_mark_of_ours_is_a_no_without_another_question() -> None:
    asked: list[bytes] = []

    def answer(request: h11.Request) -> tuple[int, bytes, tuple[str, str]]:
        asked.append(request.method)
        return 404, b"", ABSENT

    async with truth_at(answer) as truth:
        assert await truth.load_environment(ID) is None
        assert await truth.load_account("x") is None
        with pytest.raises(NoEventLog):
            await truth.events_after(2)
    assert asked == [b"GET"] * 3


@pytest.mark.parametrize("status", [200, 302, 403, 503])
async def test_a_404_that_nothing_explains_is_neither_yes_nor_no(status: int) -> None:
    answers = {b"GET": (404, b""), b"POST": (status, b"")}
    async with truth_at(lambda request: answers[request.method]) as truth:
        with pytest.raises(TruthOutOfReach, match="may mean anything"):
            await truth.load_account("x")
        assert truth.is_truth() is True  # as far as is known
        with pytest.raises(TruthOutOfReach, match="may mean anything"):
            await truth.events_after(2)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((500, b""), id="failed"),
        pytest.param((503, b""), id="busy"),
        pytest.param((302, b""), id="redirected"),
        pytest.param((403, b""), id="refused"),
        pytest.param((200, b"{"), id="half"),
        pytest.param((200, b'{"env":{}}'), id="something-else"),
        pytest.param((200, b"\xff"), id="no-text"),
    ],
)
async def test_whatever_else_is_answered_is_neither_yes_nor_no(answer: tuple[int, bytes]) -> None:
    with capture_logs():
        async with truth_at(lambda _: answer) as truth:
            with pytest.raises(TruthOutOfReach):
                await truth.load_environment(ID)


async def test_silence_and_nobody_there_are_neither_yes_nor_no() -> None:
    async with truth_at(lambda _: None, read_seconds=0.2) as truth:
        with pytest.raises(TruthOutOfReach, match="ReadTimeout"):
            await truth.load_account(SECRET)
    with pytest.raises(TruthOutOfReach):
        await HttpTruth("http://127.0.0.1:9").load_account(SECRET)


@pytest.mark.parametrize(("key", "said"), [("", "no key is shown"), ("odd", "was refused")])
async def test_a_refused_key_is_told_once_with_both_properties(key: str, said: str) -> None:
    answer = (403, b"")
    async with truth_at(lambda _: answer, key=key) as truth:
        with capture_logs() as logs:
            for _ in range(3):
                with pytest.raises(TruthOutOfReach):
                    await truth.load_account(SECRET)
                with pytest.raises(TruthOutOfReach):
                    await truth.events_after(1)
            reason = str(truth.is_truth())
            assert said in reason
            for name in ("dacha2.cache.api-key", "mr.dacha2.api-keys", "fh.dacha.api-keys"):
                assert name in reason
            answer = (200, b'{"serviceAccount":' + msgspec.json.encode(ACCOUNT) + b"}")
            for _ in range(2):
                await truth.load_account(SECRET)
            assert truth.is_truth() is True
        events = [(entry["event"], entry["address"]) for entry in logs]
        assert events == [
            ("truth_refused_our_key", truth.address),
            ("truth_answers_again", truth.address),
        ]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://mr:8085/", "http://mr:8085"),
        ("https://me:secret@mr/context?x=secret", "https://mr/context"),
        ("http://[::1]:8085", "http://[::1]:8085"),
    ],
)
def test_an_address_tells_no_secret(url: str, told: str) -> None:
    assert HttpTruth(url).address == told


async def test_an_answer_without_end_is_cut_off(monkeypatch) -> None:
    monkeypatch.setattr(http_truth, "MOST_ANSWER_BYTES", 1000)
    async with truth_at(lambda _: (200, b" " * 5000)) as truth:
        with pytest.raises(TruthOutOfReach, match="1000 bytes"):
            await truth.load_environment(ID)


async def test_no_error_tells_the_secret() -> None:
    with pytest.raises(TruthOutOfReach) as raised:
        await HttpTruth("http://127.0.0.1:9").load_account(SECRET)
    assert SECRET not in f"{raised.value!r}{raised.value.__context__!r}"[:200]


async def test_events_arrive_and_no_answer_may_be_older_than_what_is_known() -> None:
    asked: list[bytes] = []
    events = Events(3, 3, (numbered(3, PublishServiceAccount(PublishAction.EMPTY)),))

    def answer(request: h11.Request) -> tuple[int, bytes, *tuple[tuple[str, str], ...]]:
        asked.append(request.target)
        told = msgspec.json.encode(events)
        return (200, told) if b"events" in request.target else (404, b"", ABSENT)

    position = iter([-1, 0, 17])
    async with truth_at(answer, position=lambda: next(position)) as truth:
        assert await truth.events_after(2) == events
        for _ in range(3):
            assert await truth.load_account("x") is None
    assert asked == [
        b"/context/dacha2/events?after=2",
        b"/context/dacha2/serviceAccount/x",
        b"/context/dacha2/serviceAccount/x",
        b"/context/dacha2/serviceAccount/x?atLeast=17",
    ]


async def test_a_server_of_another_make_keeps_no_events() -> None:
    async with truth_at(has_routes) as truth:
        with pytest.raises(NoEventLog):
            await truth.events_after(2)


async def test_where_a_permission_is_missing_a_cache_is_told_where() -> None:
    asked: list[str] = []

    def answer(request: h11.Request) -> tuple[int, bytes]:
        asked.append(request.target.decode())
        return 200, msgspec.json.encode({"serviceAccount": ACCOUNT})

    async with truth_at(answer) as truth:
        await truth.look_again(SdkKey(ID, SECRET))
    assert [target.partition("?")[2] for target in asked] == [f"environmentId={ID}"]
    async with truth_at(lambda _: (503, b"")) as truth:
        with pytest.raises(TruthOutOfReach):
            await truth.look_again(SdkKey(ID, SECRET))
