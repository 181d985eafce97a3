"""What benches of live streams find alike: whether anything was lost, in columns and in words."""

from typing import Final

from msgspec import structs

from bench.live.verdict import Verdict
from bench.live.writing import Written
from bench.result import Better, Cell, Column, Result, Target

CONVERGE_SECONDS: Final = 1.0
"""In health every SDK holds a change within a second."""

VERDICT_COLUMNS: Final = (
    Column("streams", "streams that were compared with MR"),
    Column("updates", "changes that MR answered with 2xx"),
    Column("deliveries", "changes that reached a stream as an event of their own"),
    Column("returns", "times that a stream came back"),
    Column("caught up", "versions that it learnt of then"),
    Column("lost", "streams that lack a version that MR holds", better=Better.LOWER),
    Column("back", "versions that went back, as a stream saw it", better=Better.LOWER),
    Column("repeated", "changes that a stream was told again", better=Better.LOWER),
    Column("converged", "from the last change to the last stream", "s", Better.LOWER, 3),
)


def verdict_cells(verdict: Verdict, written: Written) -> dict[str, Cell]:
    """Return the figures of VERDICT_COLUMNS."""
    counts = verdict.counts
    return {
        "streams": verdict.streams,
        "updates": written.changes,
        "deliveries": counts.deliveries,
        "returns": counts.opened - verdict.streams,
        "caught up": counts.caught_up,
        "lost": verdict.lost,
        "back": counts.back,
        "repeated": counts.duplicates,
        "converged": verdict.converged_seconds,
    }


def with_verdict(result: Result, verdict: Verdict, written: Written) -> Result:
    """Return `result` with what the verdict says of all that is wrong."""
    remarks, spoiled = list(result.remarks), [*result.spoiled, *verdict.spoiled]
    counts = verdict.counts
    if not written.changes:
        spoiled.append("nothing was changed, so nothing was proved")
    if written.refused:
        remarks.append(f"MR refused {len(written.refused):,} changes: {written.refused[0]}")
    if counts.refused or counts.unavailable:
        remarks.append(
            f"{counts.refused:,} connections failed, {counts.unavailable:,} answers were 5xx; "
            "each came back."
        )
    converged = Target(
        "all streams hold the last change, in seconds", verdict.converged_seconds, CONVERGE_SECONDS
    )
    return structs.replace(
        result,
        remarks=tuple(filter(None, remarks)),
        spoiled=tuple(spoiled),
        targets=(*result.targets, converged),
    )
