"""Processes that follow one another, each with the file that the one before it left."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import trio

from fh.actors.child import ServiceSpec
from fh.actors.supervisor import Supervisor
from fh.config import Secret
from fh.contracts.answers import Granted, KeyAnswer
from fh.dacha.dacha import Dacha
from fh.dacha.last_known import LastKnown
from fh.dacha.last_known_settings import LastKnownSettings
from fh.dacha.settings import DachaSettings
from fh.wire.last_known import NO_POSITION
from fh.wire.sealing_key import SealingKey
from tests.dacha.world import KEY, FakeSource

RAW = "8f3a5c0e1b7d92466ac4f0e3d5879b1221fe6d7c8a0b934e5f6172c8d9eab304"
OTHER_RAW = RAW[::-1]
ORIGIN = "party of the tests"
FAR_AWAY_SECONDS = 86_400


def sealing_key(text: str = RAW) -> SealingKey:
    return SealingKey(Secret(text))


@dataclass(frozen=True, slots=True)
class Process:
    dacha: Dacha
    last_known: LastKnown

    def statistics(self):
        return self.last_known.statistics()

    async def ask(self, key=KEY) -> KeyAnswer:
        return await self.dacha.lookup.load_key(key)

    async def until(self, condition) -> None:
        with trio.fail_after(20):
            while not condition():  # noqa: ASYNC110 - threads and other tasks bring it about
                await trio.sleep(0.005)

    async def confirmed(self) -> None:
        def is_confirmed() -> bool:
            now = self.statistics()
            return now.unconfirmed_environments == now.unconfirmed_accounts == 0

        await self.until(is_confirmed)


def make_process(
    source,
    path: Path,
    *,
    key: str = RAW,
    origin: str = ORIGIN,
    seconds: float = FAR_AWAY_SECONDS,
    position=lambda: NO_POSITION,
    most_megabytes: int = 1024,
    **settings,
) -> Process:
    defaults = {"miss_jitter": 0.0, "reload_jitter_seconds": 0.0, "reload_retry_seconds": 0.02}
    dacha = Dacha(source, DachaSettings(**(defaults | settings)), jitter=Random(7))
    last_known = LastKnown(
        dacha,
        LastKnownSettings(str(path), Secret(key), seconds, most_megabytes),
        origin=origin,
        position=position,
    )
    return Process(dacha, last_known)


@asynccontextmanager
async def open_process(source, path: Path, **options) -> AsyncGenerator[Process]:
    """Run a process as a role would, until the block ends; then stop it in good order."""
    process = make_process(source, path, **options)
    supervisor = Supervisor(
        "role",
        [
            ServiceSpec(
                "last-known",
                process.last_known.run,
                drain=process.last_known.drain,
                drain_seconds=20.0,
            ),
            ServiceSpec("dacha", process.dacha.run, drain=process.dacha.stop, drain_seconds=8.0),
        ],
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        yield process
        supervisor.stop()


def away() -> FakeSource:
    """Return a truth that can't be asked."""
    source = FakeSource()
    source.is_down = True
    return source


async def leave(source, path: Path, *keys, **options) -> None:
    """Run a process that is asked for `keys`, and stop it."""
    async with open_process(source, path, **options) as process:
        for each in keys or (KEY,):
            assert isinstance(await process.ask(each), Granted)
