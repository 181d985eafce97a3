"""What streams are told of changes; above all of keys, by which SDKs find features."""

import json
import random
import socket
from uuid import UUID

import pytest
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    Client,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    renamed,
    targeted_at,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from ofrep_client import view
from socket_client import open_socket

from fh.contracts.published import (
    CacheEnvironmentFeature,
    PublishAction,
    PublishFeatureValue,
    PublishFeatureValues,
)
from fh.edge.changes import News, news_for
from fh.edge.known import KnownFeatures
from fh.model.sdk_key import SdkKey

OLD = boolean("old", True, version=7)
NEW = renamed(OLD, "new")
OTHER = boolean("other", False)

Told = tuple[str, str, int]


async def told(client: Client) -> tuple[Told, str]:
    name, event_id, data = await client.event()
    state = json.loads(data)
    return (name, state["key"], state["version"]), event_id


@pytest.mark.parametrize("key", [SERVER_KEY, CLIENT_KEY], ids=["server", "client"])
async def test_under_its_old_key_a_feature_is_gone(key: SdkKey) -> None:
    async with edge_under_test(MemoryLookup({key: granted([OLD, OTHER])})) as edge:
        client = await edge.open_stream(key)
        assert [(await client.event())[0] for _ in range(2)] == ["ack", "features"]
        await edge.announce(NEW)
        # Version 0: whatever version an SDK has.
        assert await told(client) == (("delete_feature", "old", 0), "")
        assert await told(client) == (("feature", "new", 7), granted([NEW, OTHER]).etag)


async def test_with_a_context_too() -> None:
    rolled = targeted_at("userkey", "fred", b'"fred\'s"')
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([rolled])})) as edge:
        fred = await edge.open_stream(headers="x-featurehub: userkey=fred\r\n")
        assert [(await fred.event())[0] for _ in range(2)] == ["ack", "features"]
        await edge.announce(renamed(rolled, "new"))
        assert (await told(fred))[0] == ("delete_feature", "rolled", 0)
        name, _, data = await fred.event()
        assert (name, json.loads(data)["value"]) == ("feature", "fred's")


async def test_on_a_socket_too() -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([OLD])})
    async with edge_under_test(lookup) as edge, open_socket(edge) as socket:
        assert [(await socket.message())[0] for _ in range(2)] == ["ack", "features"]
        await edge.announce(NEW)
        told = [await socket.message() for _ in range(2)]
        assert [(name, data["key"]) for name, _, data in told] == [
            ("delete_feature", "old"),
            ("feature", "new"),
        ]


async def test_pages_with_openfeature_are_told_once() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: view()})) as edge:
        before = view()
        client = await edge.connect()
        path = f"/ofrep/v1/changes/{ENVIRONMENT}/{SERVER_KEY.secret}?etag={before.etag}"
        await client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await client.until(b"\r\n\r\n")
        await edge.announce(renamed(before.features[0], "new"))
        _, first, _ = await client.event()
        await edge.announce(boolean("marker", True))
        name, second, _ = await client.event()
        assert (name, before.etag != first != second) == ("message", True)


async def test_who_was_away_and_comes_back_with_the_id_has_no_old_key() -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([OLD, OTHER])})
    async with edge_under_test(lookup) as edge:
        client = await edge.open_stream()
        await client.event()
        _, event_id, _ = await client.event()
        lookup.answers[SERVER_KEY] = granted([NEW, OTHER])
        back = await edge.open_stream(headers=f"last-event-id: {event_id}\r\n")
        name, _, data = await back.event()
        assert name == "features"
        assert {state["key"] for state in json.loads(data)} == {"new", "other"}
        # The one that stayed has heard of it by now, too.
        assert [(await told(client))[0][:2] for _ in range(2)] == [
            ("delete_feature", "old"),
            ("feature", "new"),
        ]


async def test_a_client_that_is_behind_hears_of_each_key_that_went() -> None:
    settings = {"send_buffer_bytes": 4608, "slow_bytes": 1 << 20, "slow_seconds": 600}
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([OLD])}), **settings) as edge:
        client = await edge.open_stream()
        client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for number in range(100):
            await edge.announce(boolean(f"filler-{number}", True, properties=None))
        names = ["old", "new", "newer", "newest"]
        for version, key in enumerate(names[1:], 2):
            await edge.announce(renamed(OLD, key, version=version))
        kept: set[str] = set()
        while "newest" not in kept:
            name, _, data = await client.event()
            if name == "features":
                kept |= {state["key"] for state in json.loads(data)}
            elif name != "ack":
                key = json.loads(data)["key"]
                kept = kept | {key} if name == "feature" else kept - {key}
        assert kept & set(names) == {"newest"}


# In any order -----------------------------------------------------------------------------------


class Sdk:
    """What a JavaScript SDK keeps: features by key, none of which goes back."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}

    def hear(self, news: News) -> None:
        key, value = news.feature.feature.key, news.feature.value
        version = 0 if value is None else value.version
        known = self.versions.get(key, 0)
        if news.deleted and (not version or version >= known):
            self.versions.pop(key, None)
        elif not news.deleted and version >= known:
            self.versions[key] = version


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcde")), max_size=20),
    chance=st.randoms(use_true_random=False),
)
def test_keys_that_move_end_where_they_are(
    steps: list[tuple[int, str]], chance: random.Random
) -> None:
    truth: dict[int, CacheEnvironmentFeature] = {}
    history: list[tuple[CacheEnvironmentFeature, bool]] = []
    for number, key in steps:
        holder = next((n for n, each in truth.items() if each.feature.key == key), None)
        if holder not in {None, number}:
            continue  # taken
        before = truth.get(number)
        if before is None:
            if any(each.feature.id.int == number + 1 for each, _ in history):
                continue  # what was deleted never comes back
            made = boolean(key, True, version=10 - number, feature_id=UUID(int=number + 1))
            truth[number] = made
        elif holder == number and chance.random() < 0.3:
            history.append((truth.pop(number), True))
            continue
        elif holder == number:
            assert before.value is not None
            value = replace(before.value, version=before.value.version + 1)
            truth[number] = replace(before, value=value)
        else:
            truth[number] = renamed(before, key, version=before.feature.version + 1)
        history.append((truth[number], False))
    chance.shuffle(history)
    known, sdk = KnownFeatures(), Sdk()
    while history:
        changes = []
        for feature, deleted in history[:2]:
            changes += known.delete(feature) if deleted else known.absorb(feature)
        del history[:2]
        for news in news_for(granted([]), changes, known):
            sdk.hear(news)
    assert sdk.versions == {
        each.feature.key: each.value.version for each in truth.values() if each.value is not None
    }


def test_news_of_one_announcement_are_told_apart() -> None:
    changes = [(OLD, boolean("new", True, version=8, retired=True, feature_id=OLD.feature.id))]
    news = news_for(granted([]), changes, [])
    assert len({each.which for each in news}) == len({each.subject for each in news}) == 2


async def test_who_takes_a_key_over_is_not_deleted_with_it() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([OLD])})) as edge:
        client = await edge.open_stream()
        assert [(await client.event())[0] for _ in range(2)] == ["ack", "features"]
        # Another one takes the key that is free, and is told of first.
        heir = boolean("old", False, feature_id=UUID(int=9))
        updates = [PublishFeatureValue(PublishAction.UPDATE, ENVIRONMENT, f) for f in (heir, NEW)]
        await edge.edge.on_delivery(PublishFeatureValues(tuple(updates)))
        assert [(await told(client))[0] for _ in range(4)] == [
            ("feature", "old", 1),
            ("delete_feature", "old", 0),
            ("feature", "old", 1),
            ("feature", "new", 7),
        ]
