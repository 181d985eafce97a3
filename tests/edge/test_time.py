"""Rules on the time: what they come to changes though nobody changes anything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from edge_under_test import (
    CLIENT_KEY,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from msgspec import Raw, structs

from fh.contracts.published import CacheEnvironmentFeature, CacheRolloutStrategyAttribute
from fh.edge import encoded, evaluation
from fh.edge.encoded import EncodedViews
from fh.edge.evaluation import FeatureStates
from fh.wire.sdk_json import Evaluation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def from_noon(kind: str = "DATETIME", name: str = "now") -> CacheEnvironmentFeature:
    """A feature that is "late" after noon."""
    feature = targeted_at("userkey", "fred", b'"late"')
    assert feature.value is not None
    [strategy] = feature.value.rollout_strategies
    after = CacheRolloutStrategyAttribute("GREATER", name, kind, (Raw(b'"2026-01-01T12:00:00Z"'),))
    value = structs.replace(
        feature.value, rollout_strategies=(structs.replace(strategy, attributes=(after,)),)
    )
    return structs.replace(feature, value=value)


class Clock:
    """Stands in for `datetime` where Edge reads the time."""

    def __init__(self) -> None:
        self.time = NOON - timedelta(minutes=1)

    def now(self, _: object) -> datetime:
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(evaluation, "datetime", clock)
    # Else what one was sent stands for a second for those who come with the same context.
    monkeypatch.setattr(encoded, "_LATELY_SECONDS", 0.0)
    return clock


async def features_of(client: Client) -> tuple[str, str]:
    name = "ack"
    while name == "ack":
        name, event_id, data = await client.event()
    assert name == "features"
    return event_id, data


async def nothing_is_resent(edge: EdgeUnderTest, key, event_id: str) -> None:
    client = await edge.open_stream(key, f"last-event-id: {event_id}\r\n")
    await features_of(await edge.open_stream(key))
    await edge.announce(boolean("marker", True))
    name, _, data = await client.event()
    assert (name, "marker" in data) == ("feature", True)


async def test_a_stream_that_comes_back_is_sent_what_the_time_made_of_the_view(
    clock: Clock,
) -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([from_noon()])})) as edge:
        first = await edge.open_stream()
        event_id, data = await features_of(first)
        assert '"default"' in data
        clock.time += timedelta(minutes=2)
        await first.stream.aclose()
        back = await edge.open_stream(headers=f"last-event-id: {event_id}\r\n")
        event_id, data = await features_of(back)
        assert '"late"' in data


async def test_who_evaluates_itself_is_sent_nothing_for_the_time(clock: Clock) -> None:
    async with edge_under_test(MemoryLookup({CLIENT_KEY: granted([from_noon()])})) as edge:
        event_id, _ = await features_of(await edge.open_stream(CLIENT_KEY))
        clock.time += timedelta(minutes=2)
        await nothing_is_resent(edge, CLIENT_KEY, event_id)


@pytest.mark.parametrize(
    "feature",
    [
        from_noon("STRING"),
        from_noon(name="then"),
        structs.replace(from_noon(), value=structs.replace(from_noon().value, retired=True)),
    ],
    ids=["a-text", "another-attribute", "retired"],
)
async def test_a_view_that_asks_for_no_time_resumes(feature: CacheEnvironmentFeature) -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([feature])})) as edge:
        event_id, _ = await features_of(await edge.open_stream())
        await nothing_is_resent(edge, SERVER_KEY, event_id)


async def test_a_poll_is_304_until_the_time_makes_something_else_of_the_view(
    clock: Clock,
) -> None:
    other = granted([boolean("dark", True)])
    lookup = MemoryLookup({SERVER_KEY: granted([from_noon()]), CLIENT_KEY: other})
    for keys in ([SERVER_KEY], [CLIENT_KEY, SERVER_KEY]):
        clock.time = NOON - timedelta(minutes=1)
        async with edge_under_test(lookup) as edge:
            _, headers, body = await edge.poll(*keys)
            assert b'"default"' in body
            before = headers["etag"]
            known = f"if-none-match: {before}\r\n"
            # As often as it takes to be remembered.
            for _ in range(4):
                status, headers, _ = await edge.poll(*keys, headers=known)
                assert (status, headers["etag"]) == (304, before)
            clock.time += timedelta(minutes=2)
            status, headers, body = await edge.poll(*keys, headers=known)
            assert (status, b'"late"' in body) == (200, True)
            # A CDN answers 304 by itself where etags are equal.
            assert headers["etag"] != before
            status, _, _ = await edge.poll(*keys, headers=f"if-none-match: {headers['etag']}\r\n")
            assert status == 304


async def test_whether_a_view_asks_for_the_time_is_worked_out_at_most_twice() -> None:
    class Features(tuple):
        __slots__ = ()
        walks = 0

        def __iter__(self):
            Features.walks += 1
            return super().__iter__()

    views = EncodedViews(FeatureStates())
    view = structs.replace(granted([]), features=Features([from_noon()]))
    assert all(views.depend_on_time(view, Evaluation.SERVER) for _ in range(10))
    assert not views.depend_on_time(view, Evaluation.CLIENT)
    assert Features.walks == 2
