"""A client that is up to date and comes back gets no full resend."""

import trio
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

from fh.contracts.published import PublishAction, PublishFeatureValue, PublishFeatureValues

ONE = boolean("one", True)
TWO = boolean("two", True)
NEWER = boolean("one", False, version=2)


async def first_features(client: Client) -> str:
    assert (await client.event())[0] == "ack"
    name, event_id, _ = await client.event()
    assert name == "features"
    return event_id


async def nothing_is_resent(under_test: EdgeUnderTest, event_id: str, key, headers="") -> None:
    """Assert that a stream that comes back with `event_id` first hears of the next change."""
    client = await under_test.open_stream(key, f"{headers}last-event-id: {event_id}\r\n")
    # The stream is served when one opened later is.
    await first_features(await under_test.open_stream(key))
    await under_test.announce(boolean("marker", True, version=99))
    name, _, data = await client.event()
    assert (name, "marker" in data) == ("feature", True)


async def test_the_id_of_an_update_resumes_like_that_of_the_features() -> None:
    for key in (SERVER_KEY, CLIENT_KEY):
        lookup = MemoryLookup({key: granted([ONE, TWO])})
        async with edge_under_test(lookup) as under_test:
            client = await under_test.open_stream(key)
            await first_features(client)
            await under_test.announce(NEWER)
            name, event_id, _ = await client.event()
            assert name == "feature"
            # Dacha has heard of it as well; a fresh answer has the same tag.
            lookup.answers[key] = granted([NEWER, TWO])
            assert event_id == granted([NEWER, TWO]).etag
            await nothing_is_resent(under_test, event_id, key)


async def test_the_id_of_a_deletion_resumes() -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([ONE, TWO])})
    async with edge_under_test(lookup) as under_test:
        client = await under_test.open_stream()
        await first_features(client)
        await under_test.announce(ONE, action=PublishAction.DELETE)
        name, event_id, _ = await client.event()
        assert (name, event_id) == ("delete_feature", granted([TWO]).etag)
        lookup.answers[SERVER_KEY] = granted([TWO])
        await nothing_is_resent(under_test, event_id, SERVER_KEY)


async def test_the_context_is_in_the_id_of_an_evaluated_stream() -> None:
    rolled = targeted_at("userkey", "fred", b'"fred\'s"')
    newer = targeted_at("userkey", "fred", b'"new"', version=2)
    lookup = MemoryLookup({SERVER_KEY: granted([rolled])})
    async with edge_under_test(lookup) as under_test:
        fred = await under_test.open_stream(headers="x-featurehub: userkey=fred\r\n")
        await first_features(fred)
        await under_test.announce(newer)
        name, event_id, data = await fred.event()
        assert (name, '"new"' in data) == ("feature", True)
        assert event_id == granted([newer]).etag + "//285d1a9b00e68df0c3aaa1bd6421f0bf"
        lookup.answers[SERVER_KEY] = granted([newer])
        await nothing_is_resent(under_test, event_id, SERVER_KEY, "x-featurehub: userkey=fred\r\n")
        # With another context it is the id of something else.
        mary = await under_test.open_stream(
            headers=f"x-featurehub: userkey=mary\r\nlast-event-id: {event_id}\r\n"
        )
        assert await first_features(mary) != event_id


async def test_an_sdk_that_evaluates_itself_has_no_context_in_its_ids() -> None:
    async with edge_under_test(MemoryLookup({CLIENT_KEY: granted([ONE])})) as under_test:
        client = await under_test.open_stream(CLIENT_KEY, "x-featurehub: userkey=fred\r\n")
        assert await first_features(client) == granted([ONE]).etag


async def test_only_the_last_event_of_an_announcement_has_an_id() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([ONE, TWO])})) as under_test:
        client = await under_test.open_stream()
        await first_features(client)
        newer = [boolean("one", False, version=2), boolean("two", False, version=2)]
        await under_test.edge.on_delivery(
            PublishFeatureValues(
                tuple(
                    PublishFeatureValue(PublishAction.UPDATE, ENVIRONMENT, feature)
                    for feature in newer
                )
            )
        )
        # Whoever has only the first has not the whole: it must not be able to say so.
        with trio.fail_after(5):
            while client.received.count(b"event: feature\n") < 2:
                client.received += await client.stream.receive_some(65536)
        assert client.received.count(b"id: ") == 1
        first, last = client.received.index(b"event: feature\n"), client.received.index(b"id: ")
        assert first < last
        assert granted(newer).etag.encode() in client.received
