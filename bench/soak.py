"""Does anything grow over half an hour?

Streams come and go and features change while memory, descriptors and the slow set of every
process of the server are sampled each second. A straight line through the samples says what would
have grown in half an hour; at the end every stream is compared with MR.
"""

from collections.abc import Sequence
from typing import Any, Final

import click
import trio
from msgspec import structs

from bench.command import conclude, with_output
from bench.live.findings import VERDICT_COLUMNS, verdict_cells, with_verdict
from bench.live.options import Wanted, failures, wanted, with_live
from bench.live.sampling import Sample, Samples, sampling
from bench.live.scene import open_scene
from bench.live.slope import Slope, slope
from bench.live.verdict import reach_verdict
from bench.live.writing import writing
from bench.load.bounds import LONGEST_RUN_SECONDS
from bench.load.live_link import bottleneck, busiest_share
from bench.result import Better, Cell, Chart, Column, Line, Result, Row, Target, begin_result

QUESTION: Final = "Does anything grow over half an hour?"
HALF_HOUR_SECONDS: Final = 1_800
MOST_GROWTH: Final = 0.05
"""In half an hour, as a share of the mean: below it a process would live for months."""

COLUMNS: Final = (
    Column("memory", "resident memory, the mean of its processes together", "MB", Better.LOWER, 1),
    Column("memory +", "what it would grow by in 30 minutes", "MB", Better.LOWER, 2),
    Column("± MB", "the standard error of that, at least", "MB", Better.NEITHER, 2),
    Column("files", "open files and sockets, the mean", "", Better.LOWER, 1),
    Column("files +", "what they would grow by in 30 minutes", "", Better.LOWER, 1),
    Column("± files", "the standard error of that, at least", "", Better.NEITHER, 1),
    Column("slow", "connections with bytes that wait, the most at a time", "", Better.LOWER),
    Column("evicted", "clients given up as too slow", "", Better.LOWER),
    *VERDICT_COLUMNS,
)

_PATIENCE_SECONDS: Final = 60.0
_AROUND_SECONDS: Final = 400.0
_MOST_POINTS: Final = 600
_ALL: Final = "all processes"


@click.command("soak")
@with_live
@click.option(
    "--minutes",
    type=click.FloatRange(0.05, (LONGEST_RUN_SECONDS - _AROUND_SECONDS) / 60),
    default=30.0,
    show_default=True,
    help="How long it lasts.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 100),
    default=1.0,
    show_default=True,
    help="Changes a second.",
)
@click.option(
    "--churn",
    type=click.FloatRange(0, 50),
    default=1.0,
    show_default=True,
    help="Streams that leave each second and come back, in per cent.",
)
@with_output
def command(**options: Any) -> None:
    """Watch every process of the server for half an hour while streams come, go and are told.

    \b
    Examples:
      fh bench soak --streams 15000
      fh bench soak --streams 1000 --minutes 2 --html soak.html
      fh bench soak --shape split --environments 50
      fh bench soak --url http://localhost:8085 --pid 4711 --key ENVIRONMENT/SECRET \\
          --admin-token TOKEN --feature NEW_MENU

    The first fifth does not count: until then caches fill and pools grow. --check fails the run
    when memory or descriptors would grow by more than 5 % in half an hour.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    output = {name: options.pop(name) for name in ("json_file", "html_file", "check")}
    with failures():
        measured = trio.run(measure, wanted(options), options)
    conclude(measured, **output)


async def measure(what: Wanted, options: dict[str, Any]) -> Result:
    """Run the bench."""
    live = 0.0
    async with open_scene(what) as scene:
        await scene.open_streams()
        await scene.load.churn(what.streams * options["churn"] / 100)
        before = after = await scene.load.figures()
        began = trio.current_time()
        async with (
            writing(scene.admin, scene.places, options["rate"]) as written,
            sampling(scene.server, lambda: live) as samples,
        ):
            until = began + options["minutes"] * 60
            while trio.current_time() < until:
                after = await scene.load.figures()
                live = after.live
                await trio.sleep_until(min(until, trio.current_time() + 1))
        share = busiest_share(before, after, trio.current_time() - began)
        await scene.load.churn(0)
        verdict = await reach_verdict(scene, patience_seconds=_PATIENCE_SECONDS)
    rows = grown(samples)
    rows.append(Row("streams", verdict_cells(verdict, written)))
    found = begin_result("soak", QUESTION, options={**what.shown(), **options}, columns=COLUMNS)
    found = structs.replace(
        found,
        rows=tuple(rows),
        targets=targets(samples),
        charts=charts(samples.taken),
        remarks=(bottleneck(share),),
    )
    return with_verdict(found, verdict, written)


def grown(samples: Samples) -> list[Row]:
    """Return a row for each program, and one for all of them."""
    settled = samples.settled()
    rows = []
    for name in (_ALL, *programs(settled)):
        memory, files = figures(settled, name)
        cells: dict[str, Cell] = {"memory": _mean(memory) / 1e6, "files": _mean(files)}
        if line := line_through(settled, memory):
            cells["memory +"] = line.over(HALF_HOUR_SECONDS) / 1e6
            cells["± MB"] = line.error * HALF_HOUR_SECONDS / 1e6
        if line := line_through(settled, files):
            cells["files +"] = line.over(HALF_HOUR_SECONDS)
            cells["± files"] = line.error * HALF_HOUR_SECONDS
        if name == _ALL:
            cells["slow"] = max((each.slow or 0.0 for each in settled), default=None)
            cells["evicted"] = settled[-1].evicted if settled else None
        rows.append(Row(name, cells))
    return rows


def targets(samples: Samples) -> tuple[Target, ...]:
    """Return whether memory and descriptors of all processes together are flat."""
    settled = samples.settled()
    memory, files = figures(settled, _ALL)
    return (
        Target("growth of memory in 30 minutes, as a share", _growth(settled, memory), MOST_GROWTH),
        Target("growth of open files in 30 minutes", _growth(settled, files), MOST_GROWTH),
    )


def charts(taken: Sequence[Sample]) -> tuple[Chart, ...]:
    """Return how memory, descriptors and streams went on."""
    shown = taken[:: -(-len(taken) // _MOST_POINTS) or 1]
    x = tuple(round(sample.at, 1) for sample in shown)
    memory, files = [], []
    for name in programs(shown):
        resident, descriptors = figures(shown, name)
        memory.append(Line(name, x, tuple(each / 1e6 for each in resident)))
        files.append(Line(name, x, tuple(descriptors)))
    streams = (
        Line("as the server says", x, tuple(sample.streams for sample in shown)),
        Line("as the load client has them", x, tuple(sample.load for sample in shown)),
        Line("slow", x, tuple(sample.slow for sample in shown)),
    )
    return (
        Chart("Memory", "seconds", "MB", tuple(memory)),
        Chart("Open files and sockets", "seconds", "", tuple(files)),
        Chart("Streams", "seconds", "", streams),
    )


def programs(taken: Sequence[Sample]) -> list[str]:
    """Return the names of the programs, the largest first."""
    largest = max(taken, key=lambda sample: sum(sample.resident_bytes.values()), default=None)
    found = {} if largest is None else largest.resident_bytes
    return sorted(found, key=lambda name: -found[name])


def figures(taken: Sequence[Sample], name: str) -> tuple[list[float], list[float]]:
    """Return memory in bytes and descriptors of one program, or of all, over time."""
    if name == _ALL:
        return (
            [float(sum(each.resident_bytes.values())) for each in taken],
            [float(sum(each.descriptors.values())) for each in taken],
        )
    return (
        [float(each.resident_bytes.get(name, 0)) for each in taken],
        [float(each.descriptors.get(name, 0)) for each in taken],
    )


def line_through(taken: Sequence[Sample], over_time: Sequence[float]) -> Slope | None:
    """Return the line through the figures of samples."""
    return slope([each.at for each in taken], over_time)


def _growth(taken: Sequence[Sample], over_time: Sequence[float]) -> float | None:
    line, mean = line_through(taken, over_time), _mean(over_time)
    return None if line is None or not mean else line.over(HALF_HOUR_SECONDS) / mean


def _mean(over_time: Sequence[float]) -> float:
    return sum(over_time) / max(1, len(over_time))
