"""How far a run of a million streams came, and how that reads as a result."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from bench.live.memory import MemoryWatch
from bench.live.writing import Written
from bench.load.live_counts import Figures
from bench.result import Better, Cell, Chart, Column, Line, Result, Row, Target

GIB: Final = 2**30
MOST_BYTES: Final = 14 * GIB

COLUMNS: Final = (
    Column("streams", "streams that are open at the same time"),
    Column("connects", "streams opened a second, until all are told", "/s", Better.HIGHER),
    Column("machine", "memory that the machine lost, at most", "GiB", Better.LOWER, 2),
    Column("server", "memory of the server's processes", "GiB", Better.LOWER, 2),
    Column("client", "memory of the load client", "GiB", Better.LOWER, 2),
    Column("kernel", "slabs and TCP buffers, of both ends", "GiB", Better.LOWER, 2),
    Column("B/stream", "the machine's memory for a stream, both ends", "bytes", Better.LOWER),
    Column("deliveries", "changes that reached a stream, over all rounds"),
    Column("last", "from the first PUT to the last stream, the median", "s", Better.LOWER, 2),
    Column("50 %", "from a PUT to a stream, half of all deliveries", "ms", Better.LOWER),
    Column("99 %", "from a PUT to a stream, 99 of 100 deliveries", "ms", Better.LOWER),
    Column("cpu", "the server's processor time a delivery, all included", "µs", Better.LOWER, 1),
    Column("idle cpu", "processors that heartbeats alone take the server", "", Better.LOWER, 2),
    Column("lost", "streams that lack a version that MR holds", better=Better.LOWER),
    Column("repeated", "changes that a stream was told again", better=Better.LOWER),
)

_MEMORY_REMARK: Final = (
    "The machine's memory is what MemAvailable lost since before the server was started: server, "
    "client and kernel together, and whatever else happened meanwhile."
)
_PERCENTS: Final = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 100)


@dataclass(slots=True)
class Course:
    """How far a run came; whatever ended it, this is what was seen until then."""

    cells: dict[str, Cell] = field(default_factory=dict)
    rounds_seconds: list[float] = field(default_factory=list)
    opened: list[tuple[float, int]] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)
    written: Written = field(default_factory=Written)
    figures: Figures = field(default_factory=Figures)


def with_course(
    found: Result, course: Course, watch: MemoryWatch, streams: int, warnings: Sequence[str]
) -> Result:
    """Return `found` with what was seen of a run that should open so many streams."""
    taken, live = watch.taken_bytes, course.figures.live
    rounds = ", ".join(f"{seconds:.2f}" for seconds in course.rounds_seconds) or "none"
    remarks = (
        f"Seconds until the last stream had its change, round by round: {rounds}.",
        _MEMORY_REMARK,
    )
    return structs.replace(
        found,
        rows=(Row(f"{streams:,}", {**course.cells, "machine": taken / GIB}), *found.rows),
        targets=(
            Target("memory of the whole machine, in bytes", taken, MOST_BYTES),
            Target("streams that were open together", live, streams, at_least=True),
            *found.targets,
        ),
        charts=_charts(course, watch),
        remarks=(*remarks, *warnings, *found.remarks),
        spoiled=(*course.spoiled, *found.spoiled),
    )


def _charts(course: Course, watch: MemoryWatch) -> tuple[Chart, ...]:
    latencies = course.figures.latencies
    arrived = tuple(map(latencies.percentile_ms, _PERCENTS))
    times, live = tuple(x for x, _ in course.opened), tuple(float(y) for _, y in course.opened)
    taken = tuple((watch.before_bytes - each) / GIB for _, each in watch.seen)
    memory = Line("taken", tuple(at for at, _ in watch.seen), taken)
    return (
        Chart(
            "From a PUT to a stream", "% of deliveries", "ms", (Line("all", _PERCENTS, arrived),)
        ),
        Chart("Opening", "seconds", "streams", (Line("open", times, live),)),
        Chart("The machine's memory", "seconds", "GiB taken", (memory,)),
    )
