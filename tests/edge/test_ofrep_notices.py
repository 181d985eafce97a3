"""How pages with OpenFeature hear that flags changed: the streams of `/ofrep/v1/changes`."""

import json
from collections.abc import AsyncIterator
from random import Random

import pytest
from edge_under_test import (
    ENVIRONMENT,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)
from ofrep_client import BEARER, FLAGS, asked, post, view

from fh.edge.connection import Connection, Phase
from fh.edge.lifetimes import Due, Lifetimes
from fh.edge.settings import EdgeSettings
from fh.model.sdk_key import SdkKey

E, S = ENVIRONMENT, SERVER_KEY.secret


@pytest.fixture
async def edge() -> AsyncIterator[EdgeUnderTest]:
    async with edge_under_test(MemoryLookup({SERVER_KEY: view()})) as under_test:
        yield under_test


async def stream_uri(edge: EdgeUnderTest, headers: str = BEARER) -> str:
    """Return where the answer about all flags says that notices come from."""
    _, _, body = await asked(edge, post(FLAGS, headers=headers))
    [stream] = json.loads(body)["eventStreams"]
    assert stream["type"] == "sse"
    uri = stream["endpoint"]["requestUri"]
    assert isinstance(uri, str)
    return uri


async def listen(edge: EdgeUnderTest, uri: str, headers: str = "") -> Client:
    client = await edge.connect()
    await client.send(f"GET {uri} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    head = (await client.until(b"\r\n\r\n")).decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "content-type: text/event-stream\r\n" in head
    assert ("access-control-allow-origin: *\r\n" in head) == ("Origin" in headers)
    return client


async def notice(client: Client) -> str:
    """Return the etag of the next event, which must be a notice."""
    name, event_id, data = await client.event()
    assert name == "message"
    assert json.loads(data) == {"type": "refetchEvaluation", "etag": event_id}
    return event_id


async def test_a_page_hears_that_flags_changed(edge: EdgeUnderTest) -> None:
    uri = await stream_uri(edge)
    client = await listen(edge, uri, "Origin: http://page\r\n")
    await edge.announce(boolean("dark", False, version=2))
    first = await notice(client)
    await edge.announce(boolean("dark", True, version=2))  # as new as what is known
    await edge.announce(boolean("dark", True, version=3))
    assert await notice(client) != first


async def test_what_changed_before_the_stream_began_is_noticed_at_once(
    edge: EdgeUnderTest,
) -> None:
    uri = await stream_uri(edge)
    newer = granted([boolean("dark", False, version=2)])
    edge.lookup.answers[SERVER_KEY] = newer
    client = await listen(edge, uri)
    etag = await notice(client)
    assert etag == newer.etag

    # Back with what it heard last, it is told nothing that it knows.
    again = await listen(edge, uri, f"Last-Event-ID: {etag}\r\n")
    await edge.announce(boolean("dark", True, version=3))
    assert await notice(again) == await notice(client) != etag


async def test_notices_and_features_of_one_key_do_not_mix(edge: EdgeUnderTest) -> None:
    page = await listen(edge, await stream_uri(edge))
    sdk = await edge.open_stream(SERVER_KEY)
    assert [(await sdk.event())[0] for _ in range(2)] == ["ack", "features"]
    await edge.announce(boolean("dark", False, version=2))
    assert (await sdk.event())[0] == "feature"
    await notice(page)


async def test_a_page_with_an_unknown_key_is_told_to_come_back_late(edge: EdgeUnderTest) -> None:
    for secret in ("x" * 40, "no,secret"):
        client = await listen(edge, f"/ofrep/v1/changes/{E}/{secret}")
        data = await client.until_closed()
        assert b"retry: 60000\nevent: failure\n" in data
        assert data.endswith(b"0\r\n\r\n")


async def test_notices_are_not_cut_off_after_the_life_of_a_stream() -> None:
    lookup = MemoryLookup({SERVER_KEY: view()})
    async with edge_under_test(lookup, drop_after_seconds=1.0) as edge:
        page = await listen(edge, await stream_uri(edge))
        sdk = await edge.open_stream(SERVER_KEY)
        while (name := (await sdk.event())[0]) != "bye":
            assert name in {"ack", "features"}
        await edge.announce(boolean("dark", False, version=2))
        await notice(page)


async def test_a_path_without_an_etag_begins_with_a_notice(edge: EdgeUnderTest) -> None:
    client = await listen(edge, f"/ofrep/v1/changes/{E}/{S}")
    assert (await client.event())[0] == "ack"
    assert await notice(client) == view().etag


async def test_a_secret_is_written_so_that_the_path_leads_back_to_it() -> None:
    odd = SdkKey(ENVIRONMENT, "a?b#c%d*e&f=g")
    async with edge_under_test(MemoryLookup({odd: view()})) as edge:
        uri = await stream_uri(edge, f"Authorization: Bearer {E}/{odd.secret}\r\n")
        client = await listen(edge, uri)
        await edge.announce(boolean("dark", False, version=2))
        await notice(client)


@pytest.mark.parametrize(("chosen", "seconds"), [(0.0, 30.0), (5.0, 5.0)])
def test_a_stream_that_lasts_shows_that_it_lives(chosen: float, seconds: float) -> None:
    settings = EdgeSettings(drop_after_seconds=1.0, heartbeat_seconds=chosen)
    lifetimes = Lifetimes(settings, Random(1), 0.0)
    connection = Connection(7)
    connection.phase = Phase.STREAM
    lifetimes.begin_stream(connection, 0.0, lasts=True)
    for beat in range(1, 4):
        # The first comes early, so that a herd does not beat together.
        assert list(lifetimes.due((beat - 1) * seconds)) == []
        assert list(lifetimes.due(beat * seconds)) == [(connection, Due.HEARTBEAT)]
        lifetimes.go_on([connection], beat * seconds)
