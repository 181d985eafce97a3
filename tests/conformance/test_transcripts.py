"""Streams from their first byte to their last, beside the text they have to be.

Every story ends the stream, so that nothing can follow unseen. What the text is, is written in
`transcripts.py` alone.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import trio
import trio.testing
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from strict_answers import AnswerReader

from fh.contracts.answers import KeyAnswer, NotReady
from fh.contracts.published import (
    CacheServiceAccount,
    PublishAction,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.model.ids import ServiceAccountId
from fh.model.sdk_key import SdkKey
from tests.conformance import transcripts

DARK = boolean("dark", True)


class Story:
    """One client's stream: what it was sent so far, and how to wait for more."""

    def __init__(self, edge: EdgeUnderTest, client: Client) -> None:
        self.edge = edge
        self._client = client
        self._received = b""

    @property
    def events(self) -> int:
        """How many events have arrived."""
        answer = self._read().stream
        return len(answer.events.events) if answer and answer.events else 0

    @property
    def text(self) -> str:
        """Everything in the body, chunks taken away."""
        return self._read().answers[0].body.decode()

    @property
    def head(self) -> str:
        """The head, with a star for the date."""
        head = self._received.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n") + "\n\n"
        return re.sub("date: .*", "date: *", head)

    async def wait_events(self, count: int) -> None:
        """Wait until so many events have arrived in all."""
        with trio.fail_after(8):
            while self.events < count:
                received = await self._client.stream.receive_some(65536)
                assert received, f"closed after {self.text}"
                self._received += received

    async def wait_end(self) -> None:
        """Wait until the server has closed, after a whole answer."""
        with trio.fail_after(8):
            while received := await self._client.stream.receive_some(65536):
                self._received += received
        assert self._read().complete

    def _read(self) -> AnswerReader:
        reader = AnswerReader()
        reader.feed(self._received)
        return reader


@asynccontextmanager
async def story(
    answer: KeyAnswer, key: SdkKey = SERVER_KEY, headers: str = "", **settings: Any
) -> AsyncIterator[Story]:
    """Open a stream; at the end of the context the server says goodbye to it."""
    async with edge_under_test(MemoryLookup({key: answer}), **settings) as edge:
        client = await edge.connect()
        await client.send(
            f"GET /features/{key.environment_id}/{key.secret} HTTP/1.1\r\n"
            f"Host: x\r\naccept: text/event-stream\r\n{headers}\r\n".encode()
        )
        told = Story(edge, client)
        yield told
        edge.edge.drain()
        await told.wait_end()


async def announce(
    told: Story, *features: Any, action: PublishAction = PublishAction.UPDATE
) -> None:
    await told.edge.edge.on_delivery(
        PublishFeatureValues(
            tuple(PublishFeatureValue(action, ENVIRONMENT, feature) for feature in features)
        )
    )


async def test_a_stream_and_its_updates() -> None:
    async with story(granted([DARK, boolean("never")])) as told:
        await told.wait_events(2)
        await announce(told, boolean("dark", False, version=2))
        await told.wait_events(3)
        # Two at once, of which the second completes the view; one that is old and one that is not.
        await announce(told, boolean("dark", True, version=3), boolean("fresh", True, locked=True))
        await told.wait_events(5)
        await announce(told, boolean("dark", False, version=2))
        await announce(told, boolean("never", True))
        await told.wait_events(6)
    assert told.head == transcripts.HEAD
    assert told.text == transcripts.NORMAL


async def test_a_stream_for_a_context() -> None:
    feature = targeted_at("userkey", "fred", b'"for fred"')
    async with story(granted([feature]), headers="x-featurehub: userkey=fred\r\n") as told:
        await told.wait_events(2)
        await announce(told, targeted_at("userkey", "mary", b'"for mary"', version=2))
        await told.wait_events(3)
    assert told.text == transcripts.SERVER_EVALUATED


async def test_a_stream_of_an_sdk_that_evaluates_itself() -> None:
    feature = targeted_at("userkey", "fred", b'"for fred"')
    headers = "x-featurehub: userkey=fred\r\nOrigin: http://a\r\n"
    async with story(granted([feature, DARK]), CLIENT_KEY, headers) as told:
        await told.wait_events(2)
        await announce(told, targeted_at("userkey", "mary", b'"for mary"', version=2))
        await told.wait_events(3)
    assert told.head == transcripts.HEAD_FOR_ANOTHER_ORIGIN
    assert told.text == transcripts.CLIENT_EVALUATED


async def test_an_unknown_key() -> None:
    unknown = SdkKey(ENVIRONMENT, "u" * 40)
    async with edge_under_test(MemoryLookup()) as edge:
        for secret in (unknown.secret, "not;a;secret"):
            client = await edge.connect()
            await client.send(
                f"GET /features/{ENVIRONMENT}/{secret} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            )
            told = Story(edge, client)
            await told.wait_end()
            assert told.head == transcripts.HEAD
            assert told.text == transcripts.UNKNOWN_KEY


async def test_a_key_that_is_not_ready_and_then_is() -> None:
    async with story(NotReady("loading"), retry_first_seconds=0.01) as told:
        with trio.fail_after(5):
            while told.edge.lookup.asked < 3:
                await trio.testing.wait_all_tasks_blocked(0.001)
        told.edge.lookup.answers[SERVER_KEY] = granted([DARK])
        await told.wait_events(2)
    assert told.text == transcripts.IDLE


async def test_a_key_that_is_never_ready_is_told_nothing_final() -> None:
    async with story(NotReady("loading"), retry_first_seconds=0.01) as told:
        with trio.fail_after(5):
            while told.edge.lookup.asked < 3:
                await trio.testing.wait_all_tasks_blocked(0.001)
    assert told.text == transcripts.DISCOVER + transcripts.BYE


async def test_an_update_during_the_snapshot() -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([DARK])}, cold=True, gate=trio.Event())
    async with edge_under_test(lookup) as edge:
        client = await edge.connect()
        await client.send(
            f"GET /features/{ENVIRONMENT}/{SERVER_KEY.secret} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        told = Story(edge, client)
        with trio.fail_after(5):
            while not lookup.asked:
                await trio.testing.wait_all_tasks_blocked(0.001)
        await announce(told, boolean("dark", False, version=2))
        assert lookup.gate is not None
        lookup.gate.set()
        await told.wait_events(2)
        # What the first features had already is not told again.
        await announce(told, boolean("dark", False, version=2))
        edge.edge.drain()
        await told.wait_end()
    assert told.text == transcripts.UPDATED_DURING_THE_SNAPSHOT


async def test_a_deletion() -> None:
    async with story(granted([DARK, boolean("kept", True)])) as told:
        await told.wait_events(2)
        await announce(told, boolean("dark"), action=PublishAction.DELETE)
        await told.wait_events(3)
        await announce(told, boolean("dark", False, version=7))
    assert told.text == transcripts.DELETED


async def test_a_retirement_and_what_follows() -> None:
    async with story(granted([DARK])) as told:
        await told.wait_events(2)
        await announce(told, boolean("dark", True, version=2, retired=True))
        await told.wait_events(3)
        await announce(told, boolean("dark", True, version=3))
        await told.wait_events(4)
    assert told.text == transcripts.RETIRED


async def test_a_client_that_is_up_to_date() -> None:
    view = granted([DARK])
    async with story(view, headers=f"Last-Event-ID: {view.etag}\r\n") as told:
        with trio.fail_after(5):
            while not told.edge.edge.statistics().streams:
                await trio.testing.wait_all_tasks_blocked(0.001)
        await announce(told, boolean("dark", False, version=2))
        await told.wait_events(1)
    assert told.text == transcripts.RESUMED


async def test_a_stream_that_has_lived_long_enough() -> None:
    async with story(granted([DARK]), drop_after_seconds=1) as told:
        await told.wait_end()
    assert told.text == transcripts.IDLE


async def test_heartbeats() -> None:
    async with story(granted([DARK]), heartbeat_seconds=1) as told:
        await told.wait_events(3)
    # On a busy machine there may be more than one before the end.
    beats = f"(?:{re.escape(transcripts.HEARTBEAT)})+"
    assert re.sub(beats, transcripts.HEARTBEAT, told.text) == transcripts.BEATING


async def test_a_shutdown() -> None:
    async with story(granted([DARK])) as told:
        await told.wait_events(2)
    assert told.text == transcripts.IDLE


async def test_a_key_that_is_taken_away() -> None:
    async with story(granted([DARK])) as told:
        await told.wait_events(2)
        told.edge.lookup.answers.clear()
        account = CacheServiceAccount(ServiceAccountId(UUID(int=4)), 2, "c", "s")
        await told.edge.edge.on_delivery(PublishServiceAccount(PublishAction.UPDATE, account))
        await told.wait_end()
    assert told.text == transcripts.IDLE


@pytest.mark.parametrize("name", [name for name in vars(transcripts) if name.isupper()])
def test_golden_text_is_made_of_whole_events(name: str) -> None:
    text = getattr(transcripts, name)
    assert text.endswith("\n\n")
    assert "\r" not in text
