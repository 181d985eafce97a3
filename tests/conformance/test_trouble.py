"""Nothing temporary is ever told as final: no 4xx, no `failure`, no empty list of features.

SDKs take those for the last word: they delete what they have, or never ask again.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
import trio
import trio.testing
from edge_under_test import (
    CLIENT_KEY,
    SERVER_KEY,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)

from fh.bus.port import Reconnected
from fh.contracts.answers import KeyAnswer, NotReady
from fh.contracts.published import (
    CacheServiceAccount,
    PublishAction,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId, ServiceAccountId
from fh.model.sdk_key import SdkKey

VIEW = granted([boolean("dark", True)])
CHANGED_ACCOUNT = PublishServiceAccount(
    PublishAction.UPDATE, CacheServiceAccount(ServiceAccountId(UUID(int=4)), 2, "c", "s")
)


async def not_ready() -> KeyAnswer:
    return NotReady("loading")


async def away() -> KeyAnswer:
    raise Unavailable


async def broken() -> KeyAnswer:
    raise RuntimeError("a bug")


async def silent() -> KeyAnswer:
    await trio.sleep_forever()


TROUBLES = [
    pytest.param(trouble, id=trouble.__name__) for trouble in (not_ready, away, broken, silent)
]


@dataclass
class TroubledLookup(MemoryLookup):
    """Nothing is in memory, and what is loaded depends on `trouble`."""

    trouble: Callable[[], Awaitable[KeyAnswer]] | None = None

    async def load_key(self, key: SdkKey) -> KeyAnswer:
        self.asked += 1
        return await (self.trouble() if self.trouble else super().load_key(key))


def troubled(trouble: Callable[[], Awaitable[KeyAnswer]] | None) -> TroubledLookup:
    return TroubledLookup(dict.fromkeys((SERVER_KEY, CLIENT_KEY), VIEW), cold=True, trouble=trouble)


async def has_asked(lookup: MemoryLookup, times: int) -> None:
    with trio.fail_after(8):
        while lookup.asked < times:
            await trio.testing.wait_all_tasks_blocked(0.001)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_poll_is_to_be_tried_again_and_then_answered(trouble) -> None:
    lookup = troubled(trouble)
    async with edge_under_test(lookup, load_seconds=0.05) as edge:
        for keys in ((SERVER_KEY,), (SERVER_KEY, CLIENT_KEY)):
            status, headers, _ = await edge.poll(*keys)
            assert (status, headers["retry-after"]) == (503, "1")
            assert headers["cache-control"] == "no-store, max-age=0"
        lookup.trouble = None
        with trio.fail_after(8):
            # A busy machine may once more need longer than it is given here.
            while (answer := await edge.poll(SERVER_KEY))[0] == 503:
                pass
        status, _, body = answer
        assert (status, len(json.loads(body)[0]["features"])) == (200, 1)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_stream_that_waits_is_served_when_the_trouble_is_over(trouble) -> None:
    lookup = troubled(trouble)
    async with edge_under_test(
        lookup, load_seconds=0.05, retry_first_seconds=0.01, retry_maximum_seconds=0.05
    ) as edge:
        stream = await edge.open_stream()
        await has_asked(lookup, 3)
        lookup.trouble = None
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("news", [Reconnected(), CHANGED_ACCOUNT], ids=["reconnected", "account"])
async def test_a_live_stream_goes_on_while_nobody_can_say_what_it_may_see(trouble, news) -> None:
    lookup = troubled(None)
    async with edge_under_test(
        lookup, load_seconds=0.05, retry_first_seconds=0.01, retry_maximum_seconds=0.05
    ) as edge:
        stream = await edge.open_stream()
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]
        lookup.trouble = trouble
        asked = lookup.asked
        await edge.edge.on_delivery(news)
        await has_asked(lookup, asked + 3)
        await edge.announce(boolean("dark", False, version=2))
        name, _, data = await stream.event()
        assert (name, json.loads(data)["version"]) == ("feature", 2)
        # What the answer brings in the end is told as any other change.
        lookup.answers[SERVER_KEY] = granted([boolean("dark", True, version=3)])
        lookup.trouble = None
        name, _, data = await stream.event()
        assert (name, json.loads(data)["version"]) == ("feature", 3)


async def test_an_environment_nobody_listens_to_takes_nobodys_place() -> None:
    # Ruling 14: an announcement makes no room for itself.
    async with edge_under_test(troubled(None), environments=1) as edge:
        stream = await edge.open_stream()
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]
        for number in range(10):
            elsewhere = boolean("other", True, version=number)
            changed = PublishFeatureValue(
                PublishAction.UPDATE, EnvironmentId(UUID(int=number)), elsewhere
            )
            await edge.edge.on_delivery(PublishFeatureValues((changed,)))
        await edge.announce(boolean("dark", False, version=2))
        assert (await stream.event())[0] == "feature"
