"""The driver's side of the live load: its processes, what they are ordered, what they tell."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from bench.load.bounds import streams_per_process
from bench.load.link import LoadFailed
from bench.load.live_counts import Figures, decode_figures, together
from bench.load.process import process_memory

_PIECE_BYTES: Final = 1 << 20
_ENDING_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.05
_BUSY_SHARE: Final = 0.9
_NICENESS: Final = 5


@dataclass(frozen=True, slots=True)
class LiveLoadPlan:
    """What the client processes shall do together.

    Streams take turns with `keys`; they hold the versions of `features`. `path` is what the URL
    of the server ends with, mostly nothing.
    """

    host: str
    port: int
    keys: tuple[str, ...]
    features: tuple[str, ...]
    streams: int
    processes: int = 1
    path: str = ""
    window: int = 128
    life_seconds: float = 600.0
    allow_remote: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What some of the streams of one key hold alike: a version of each feature."""

    key: int
    versions: tuple[int, ...]
    streams: int


class LiveClient:
    """One process of the load; it ends with `aclose`. `pid` is its process id."""

    def __init__(self, process: trio.Process, errors: Path) -> None:
        self._process = process
        self._errors = errors
        self._received = b""
        self._turn = trio.Lock()
        self.pid: int = process.pid

    async def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Send an order; return the answer.

        Raises:
            LoadFailed: the process has ended.
        """
        assert self._process.stdin is not None
        async with self._turn:
            try:
                await self._process.stdin.send_all(json.dumps(order).encode() + b"\n")
                return await self._answer()
            except trio.BrokenResourceError:
                raise await self._failed() from None

    async def plan(self, plan: dict[str, Any]) -> None:
        """Send the first line, which is not answered."""
        assert self._process.stdin is not None
        await self._process.stdin.send_all(json.dumps(plan).encode() + b"\n")

    async def aclose(self) -> None:
        """End the process: in order, or soon."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with trio.CancelScope(shield=True):
            await self._process.stdin.aclose()
            with trio.move_on_after(_ENDING_SECONDS):
                await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            await self._process.stdout.aclose()

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        pieces = []
        while b"\n" not in (piece := await self._process.stdout.receive_some(_PIECE_BYTES)):
            if not piece:
                raise await self._failed()
            pieces.append(piece)
        # It answers nothing unasked, so what ends a line ends the piece.
        answer: dict[str, Any] = json.loads(b"".join((*pieces, piece)))
        return answer

    async def _failed(self) -> LoadFailed:
        with trio.move_on_after(_ENDING_SECONDS):
            await self._process.wait()
        return LoadFailed(self._errors.read_text().strip() or "the load client has gone")


class LiveLoad:
    """All client processes together."""

    def __init__(self, clients: Sequence[LiveClient], plan: LiveLoadPlan) -> None:
        self.plan = plan
        self._clients = clients

    def resident_bytes(self) -> int:
        """Return the memory in use of all client processes, what they share counted once."""
        return sum(process_memory(client.pid).proportional_bytes for client in self._clients)

    async def figures(self) -> Figures:
        """Return the figures of this moment.

        Raises:
            LoadFailed: a client process has ended.
        """
        return await self._order({})

    async def open(self) -> None:
        """Let all streams connect, and return at once; `figures().met` tells how far they are."""
        await self._order({"open": True})

    async def churn(self, leaves_per_second: float, away_seconds: float = 0.0) -> None:
        """From now on have so many streams leave each second, and come back after so long."""
        share = leaves_per_second / len(self._clients)
        await self._order({"churn": {"per_second": share, "away_seconds": away_seconds}})

    async def aim_at(self, goal: Sequence[Sequence[int]]) -> None:
        """Have all streams watched for these versions: of each key, of each feature."""
        await self._order({"goal": [version for versions in goal for version in versions]})

    async def held(self) -> list[Held]:
        """Return what every stream holds, streams that hold the same together.

        Raises:
            LoadFailed: a client process has ended.
        """
        answers = await self._ask_all({"held": True})
        return [
            Held(key, tuple(versions), streams)
            for answer in answers
            for key, versions, streams in answer["held"]
        ]

    async def wait_met(self) -> Figures:
        """Return when every stream has been live."""
        while (figures := await self.figures()).met < self.plan.streams:  # noqa: ASYNC110  others
            await trio.sleep(_LOOK_SECONDS)
        return figures

    async def wait_reached(self) -> Figures:
        """Return when all streams hold what `aim_at` named, or more."""
        while (figures := await self.figures()).behind:  # noqa: ASYNC110  others
            await trio.sleep(_LOOK_SECONDS)
        return figures

    async def _order(self, order: dict[str, Any]) -> Figures:
        return together([decode_figures(answer) for answer in await self._ask_all(order)])

    async def _ask_all(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = [{}] * len(self._clients)

        async def ask(index: int, client: LiveClient) -> None:
            answers[index] = await client.order(order)

        try:
            async with trio.open_nursery() as nursery:
                for index, client in enumerate(self._clients):
                    nursery.start_soon(ask, index, client)
        except* LoadFailed as failures:
            raise next(each for each in _leaves(failures)) from None
        return answers


def _leaves(group: BaseExceptionGroup[LoadFailed]) -> list[LoadFailed]:
    found: list[LoadFailed] = []
    for each in group.exceptions:
        found += _leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found


def busiest_share(before: Figures, after: Figures, seconds: float) -> float:
    """Return how much of a processor the busiest client process used between two moments."""
    pairs = zip(before.processor_seconds, after.processor_seconds, strict=True)
    return max((then - now for now, then in pairs), default=0.0) / max(seconds, 1e-9)


def bottleneck(share: float) -> str:
    """Return a remark where the load client was so busy that figures are its own, else nothing."""
    if share < _BUSY_SHARE:
        return ""
    return (
        f"A load process used {share:.0%} of a processor: latencies are partly its own. "
        "Ask for more with --load-processes, or for fewer streams."
    )


def processes_for(streams: int) -> int:
    """Return how many processes so many streams need at least."""
    return -(-streams // streams_per_process())


@asynccontextmanager
async def open_live_load(plan: LiveLoadPlan) -> AsyncIterator[LiveLoad]:
    """Start the client processes, which end with the block; none connects before it is told to."""
    share, more = divmod(plan.streams, plan.processes)
    told = asdict(plan)
    # A server's one process that feeds others must not wait behind dozens of ours.
    told["niceness"] = _NICENESS if plan.processes > (os.cpu_count() or 1) else 0
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fh-bench-")))
        clients = []
        first = 0
        for index in range(plan.processes):
            streams = share + (index < more)
            if not streams:
                continue
            errors = directory / f"{index}.log"
            client = await _start(errors)
            stack.push_async_callback(client.aclose)
            await client.plan({**told, "streams": streams, "first_index": first})
            clients.append(client)
            first += streams
        yield LiveLoad(clients, plan)


async def _start(errors: Path) -> LiveClient:
    with errors.open("wb") as log:
        start = partial(
            trio.lowlevel.open_process,
            [sys.executable, "-m", "bench.load.live_client"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        return LiveClient(await start(), errors)
