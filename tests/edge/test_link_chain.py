"""Two Dachas, one behind the other over a link: no answer is older than what was heard before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest
import trio
from link_ends import closing, socket_pair

from fh.bus.memory import MemoryBus
from fh.bus.port import Reconnected
from fh.bus.subscribers import Subscribers
from fh.contracts.answers import Granted
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.edge.link import encode_delivery
from fh.edge.link_parent import LinkLimits, ParentLink
from fh.edge.link_worker import WorkerLink
from fh.model.sdk_key import SdkKey
from tests.dacha.world import (
    KEY,
    PRODUCTION,
    SERVER,
    STAGING,
    FakeSource,
    account,
    account_published,
    change,
    environment,
    feature,
    features_published,
)

FEATURES = 4
BOTH = ((STAGING, ("READ",)), (PRODUCTION, ("READ",)))


class SlowSource(FakeSource):
    """An MR that reads when it is asked and answers some time later, or is away."""

    def __init__(self, chance):
        super().__init__(
            environment(*(feature(each) for each in range(FEATURES))),
            environment(id=PRODUCTION),
            accounts=[account(permissions=BOTH)],
        )
        self._chance = chance

    async def _answer(self, answer):
        await trio.sleep(self._chance.uniform(0, 0.02))
        return await super()._answer(answer)


class Chain:
    """MR, a bus, the parent's Dacha, a link, and the worker's Dacha."""

    def __init__(self, chance, limits, buffer_bytes=None):
        self.chance = chance
        self.source = SlowSource(chance)
        self.bus = MemoryBus()
        settings = DachaSettings(reload_jitter_seconds=0.0, reload_retry_seconds=0.05)
        self.front = Dacha(self.source, settings, jitter=chance)
        self.near, self.far = socket_pair(buffer_bytes)
        self.parent = ParentLink(self.near, self.front.truth, self.bus, limits)
        self.worker = WorkerLink(self.far)
        # So small that one environment has to go for the other: it asks the parent all the time.
        self.back = Dacha(self.worker, replace(settings, environments=1), jitter=chance)
        self.bus.subscribe("dacha", self.front.on_delivery)
        self.bus.subscribe("link", self._announce)
        self.front.follow("link", self._announce)
        self.told = Subscribers()
        self.told.subscribe("dacha", self.back.on_delivery)
        self.told.subscribe("test", self._heard)
        self.versions = dict.fromkeys(range(FEATURES), 1)
        self.account_version = 1
        self.heard = dict.fromkeys(range(FEATURES), 1)

    async def _announce(self, delivery):
        self.parent.announce(encode_delivery(delivery))

    async def _heard(self, delivery):
        for each in getattr(delivery, "features", ()):
            number = each.feature.feature.id.int - 100
            self.heard[number] = max(self.heard[number], each.feature.value.version)

    async def change_feature(self, number, *, announced=True):
        self.versions[number] += 1
        changed = feature(number, value_version=self.versions[number])
        self.source.environments[STAGING] = environment(
            *(feature(each, value_version=self.versions[each]) for each in range(FEATURES))
        )
        if announced:
            await self.bus.publish(features_published(change(changed)))

    async def change_account(self):
        self.account_version += 1
        changed = account(version=self.account_version, permissions=BOTH)
        self.source.keep(changed)
        await self.bus.publish(account_published(changed))

    async def ask(self):
        """Return each feature's version as the worker knows it, or nothing."""
        found = self.back.lookup.find_key(KEY) or await self.back.lookup.load_key(KEY)
        if not isinstance(found, Granted):
            return {}
        return {each.feature.id.int - 100: each.value.version for each in found.features}


@asynccontextmanager
async def running(chain) -> AsyncIterator[Chain]:
    async with closing(chain.near, chain.far), trio.open_nursery() as nursery:
        await nursery.start(chain.front.run)
        nursery.start_soon(chain.parent.run)
        nursery.start_soon(chain.worker.run)
        await nursery.start(chain.back.run)
        await nursery.start(chain.worker.pass_on, chain.told.deliver)
        yield chain
        nursery.cancel_scope.cancel()


async def ask_again_and_again(chain, task_status=trio.TASK_STATUS_IGNORED):
    task_status.started()
    seen = dict.fromkeys(range(FEATURES), 0)
    while True:
        heard = dict(chain.heard)
        answer = await chain.ask()
        for number, version in answer.items():
            assert version >= heard[number], "older than what the worker had heard when it asked"
            assert version >= seen[number], "older than an answer before"
            seen[number] = version
        if chain.chance.random() < 0.5:
            await chain.back.lookup.load_key(SdkKey(PRODUCTION, SERVER))
        await trio.sleep(chain.chance.uniform(0, 0.01))


async def converged(chain):
    with trio.fail_after(10):
        while await chain.ask() != chain.versions:  # noqa: ASYNC110  nothing else tells
            await trio.sleep(0.01)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("announcements", [1, 3, 1000])
async def test_no_answer_is_older_than_what_was_heard_and_all_converges(
    seed, announcements, autojump_clock
):
    chance = Random(seed)
    limits = LinkLimits(announcements=announcements)
    async with (
        running(Chain(chance, limits, buffer_bytes=4096)) as chain,
        trio.open_nursery() as nursery,
    ):
        for _ in range(3):
            await nursery.start(ask_again_and_again, chain)
        for _ in range(300):
            match chance.randrange(10):
                case 0:
                    await chain.change_account()
                case 1:
                    await trio.sleep(chance.uniform(0, 0.05))
                case 2:
                    # The parent loads for a while, and what is announced waits for that.
                    await chain.front.on_delivery(Reconnected())
                case 3:
                    chain.source.is_down = chance.random() < 0.3
                case _:
                    await chain.change_feature(chance.randrange(FEATURES))
        chain.source.is_down = False
        await converged(chain)
        nursery.cancel_scope.cancel()


async def test_what_the_bus_lost_reaches_the_worker_by_the_refresh_of_its_parent(autojump_clock):
    async with running(Chain(Random(1), LinkLimits())) as chain:
        await chain.ask()
        await chain.change_feature(1, announced=False)
        # The worker may reload before its parent has: what the parent finds is told once more.
        await chain.front.on_delivery(Reconnected())
        await chain._announce(Reconnected())
        await converged(chain)
        assert chain.heard[1] == 2
