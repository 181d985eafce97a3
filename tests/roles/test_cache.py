"""What a cache does while NATS is away, with a server that comes and goes; MR keeps no events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from fh.bus.memory import MemoryBus
from fh.bus.nats import NatsBus
from fh.contracts.event_log import Events, NoEventLog
from fh.dacha.dacha import Dacha
from fh.roles.cache import make_dacha
from fh.roles.settings.dacha import DachaPartSettings
from tests.conformance.bus_worlds import NatsWorld, nats_world, quick_settings, until
from tests.dacha.world import KEY, STAGING, FakeSource, environment, feature, known_world


class WithoutLog:
    """The log of an MR of another make."""

    async def events_after(self, sequence: int) -> Events:
        raise NoEventLog(f"nobody knows what came after {sequence}")


@asynccontextmanager
async def following(
    world: NatsWorld, source: FakeSource, behaviour: str
) -> AsyncIterator[tuple[Dacha, NatsBus]]:
    """Run a cache of `source` on the server of `world`."""
    settings = DachaPartSettings(disconnect_behaviour=behaviour)
    bus = NatsBus(
        world.island,
        quick_settings(world.server.url),
        event_log=WithoutLog(),
        reloads_without_log=settings.reloads_without_log,
    )
    dacha = make_dacha(source, bus, settings)
    bus.subscribe("dacha", dacha.on_delivery)
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        await nursery.start(bus.run)
        yield dacha, bus
        nursery.cancel_scope.cancel()


async def value_version(dacha: Dacha) -> int:
    answer = dacha.lookup.find_key(KEY) or await dacha.lookup.load_key(KEY)
    version: int = answer.features[0].value.version
    return version


def at_version(version: int) -> object:
    return environment(feature(value_version=version))


async def test_passing_through_no_answer_is_older_than_the_outage(tmp_path: Path) -> None:
    source = known_world(feature())
    async with nats_world(tmp_path) as world:
        world.server.kill()
        async with following(world, source, "use-passthrough") as (dacha, bus):
            for version in (2, 3):  # it was never connected
                source.environments[STAGING] = at_version(version)
                assert await value_version(dacha) == version
            world.server.start()
            await until(lambda: not bus.is_away)
            asked = len(source.environment_questions)
            await until(lambda: dacha.lookup.find_key(KEY) is not None)
            assert await value_version(dacha) == 3
            world.server.kill()
            await until(lambda: not bus.connected)
            source.environments[STAGING] = at_version(4)
            assert await value_version(dacha) == 4
            source.is_down = True
            assert await value_version(dacha) == 4
            source.is_down = False
            world.server.start()
            await until(lambda: not bus.is_away)
            assert dacha.lookup.find_key(KEY) is not None
            assert len(source.environment_questions) >= asked + 2


async def test_on_reconnect_everything_is_reloaded_and_served_meanwhile(tmp_path: Path) -> None:
    source = known_world(feature())
    async with (
        nats_world(tmp_path) as world,
        following(world, source, "on-reconnect") as (dacha, bus),
    ):
        assert await value_version(dacha) == 1
        world.server.kill()
        await until(lambda: not bus.connected)
        source.environments[STAGING] = at_version(2)
        assert await value_version(dacha) == 1
        world.server.start()
        seen = set()

        def changed() -> bool:
            answer = dacha.lookup.find_key(KEY)
            seen.add(answer if answer is None else answer.features[0].value.version)
            return 2 in seen

        await until(changed)
        assert seen <= {1, 2}  # there always was an answer


async def test_the_standard_is_to_do_nothing(tmp_path: Path) -> None:
    source = known_world(feature())
    async with nats_world(tmp_path) as world, following(world, source, "standard") as (dacha, bus):
        assert await value_version(dacha) == 1
        world.server.kill()
        await until(lambda: not bus.connected)
        source.environments[STAGING] = at_version(2)
        world.server.start()
        await until(lambda: not bus.is_away)
        assert await value_version(dacha) == 1
        assert bus.following.reloads == 0


async def test_a_bus_inside_the_process_is_never_away() -> None:
    source = known_world(feature())
    settings = DachaPartSettings(disconnect_behaviour="use-passthrough")
    dacha = make_dacha(source, MemoryBus(), settings)
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        await dacha.lookup.load_key(KEY)
        assert dacha.lookup.find_key(KEY) is not None
        nursery.cancel_scope.cancel()
