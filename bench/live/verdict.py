"""What every stream holds, compared with what MR holds: the proof that nothing was lost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from bench.live.scene import Scene
from bench.load.live_counts import Counts
from bench.load.live_link import Held


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a run.

    Attributes:
        streams: Streams that were compared.
        lost: Those that lack a version that MR holds.
        ahead: Those that hold a version that MR does not: something never committed.
        converged_seconds: From the last answer of MR until the last stream held everything; None
            if some never did.
        counts: What the streams went through.
    """

    streams: int
    lost: int
    ahead: int
    converged_seconds: float | None
    counts: Counts

    @property
    def spoiled(self) -> tuple[str, ...]:
        """Say what is wrong, if anything is."""
        found = list(self.counts.wrong)
        if self.lost:
            found.append(f"{self.lost:,} streams lack a change that MR holds")
        if self.ahead:
            found.append(f"{self.ahead:,} streams hold a version that MR does not")
        return tuple(found)


async def reach_verdict(scene: Scene, *, patience_seconds: float) -> Verdict:
    """Wait until every stream holds what MR holds, then compare; nothing may be written meanwhile.

    Raises:
        AdminRefused: MR does not tell what it holds.
        LoadFailed: a load process has ended.
    """
    quiet_ns = time.monotonic_ns()
    truth = await scene.truth()
    await scene.load.aim_at(truth)
    converged: float | None = None
    with trio.move_on_after(patience_seconds):
        figures = await scene.load.wait_reached()
        # Before anybody looked: then the last change was there before MR had told what holds.
        converged = max(0.0, (figures.reached_ns - quiet_ns) / 1e9)
    held = await scene.load.held()
    lost, ahead = compare(truth, held)
    counts = (await scene.load.figures()).counts
    return Verdict(sum(each.streams for each in held), lost, ahead, converged, counts)


def compare(truth: Sequence[tuple[int, ...]], held: Sequence[Held]) -> tuple[int, int]:
    """Return how many streams lack a version of `truth`, and how many hold one beyond it."""
    lost = ahead = 0
    for each in held:
        pairs = list(zip(each.versions, truth[each.key], strict=True))
        lost += each.streams * any(mine < theirs for mine, theirs in pairs)
        ahead += each.streams * any(mine > theirs for mine, theirs in pairs)
    return lost, ahead
