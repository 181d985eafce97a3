"""How long from an admin's change to an SDK?

From the instant before the admin's PUT is sent to the instant at which a stream's socket had the
event: MR's rules and its transaction, the outbox, the bus, the cache and the fan-out are all in it.
The value carries the first instant, so every single delivery is measured.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import click
import trio
from msgspec import structs

from bench.command import conclude, with_output
from bench.live.findings import CONVERGE_SECONDS, with_verdict
from bench.live.options import Wanted, failures, wanted, with_live
from bench.live.scene import Scene, open_scene
from bench.live.verdict import reach_verdict
from bench.live.writing import Written, writing
from bench.load.live_link import LiveLoad, bottleneck, busiest_share, open_live_load
from bench.load.percentiles import percentile
from bench.result import Better, Cell, Chart, Column, Line, Result, Row, Target, begin_result

QUESTION: Final = "How long from an admin's change to an SDK?"
COLUMNS: Final = (
    Column("streams", "streams that are open"),
    Column("updates", "changes that MR answered with 2xx"),
    Column("deliveries", "arrivals of a change at a stream"),
    Column("answer", "from the PUT to MR's answer, the median", "ms", Better.LOWER, 1),
    Column("50 %", "from the PUT to a stream: half of all deliveries", "ms", Better.LOWER, 1),
    Column("90 %", "nine tenths of all deliveries", "ms", Better.LOWER, 1),
    Column("99 %", "99 of 100 deliveries", "ms", Better.LOWER, 1),
    Column("100 %", "the last delivery", "ms", Better.LOWER, 1),
    Column("client", "processor share of the busiest load process", "", Better.NEITHER, 2),
)

_FEW_STREAMS: Final = 10
_LOGARITHMIC: Final = True
_PATIENCE_SECONDS: Final = 60.0
_LAST_SECONDS: Final = 1.0
"""For the last change to arrive."""

_PERCENTS: Final = (1, 5, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.9, 100)


@click.command("propagation")
@with_live
@click.option(
    "--seconds",
    type=click.FloatRange(1, 1000),
    default=20.0,
    show_default=True,
    help="How long each situation lasts.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 100),
    default=5.0,
    show_default=True,
    help="Changes a second.",
)
@click.option(
    "--churn",
    type=click.FloatRange(0, 50),
    default=1.0,
    show_default=True,
    help="Streams that leave each second and come back under load, in per cent.",
)
@with_output
def command(**options: Any) -> None:
    """Measure from an admin's PUT to the arrival at each stream, without and under load.

    \b
    Three situations on one server:
      quiet    ten streams
      full     all streams
      churn    all streams, of which some leave and come back all the time

    \b
    Examples:
      fh bench propagation
      fh bench propagation --streams 2000 --environments 10 --shape split
      fh bench propagation --url http://localhost:8085 --key ENVIRONMENT/SECRET \\
          --admin-token TOKEN --feature NEW_MENU

    At the end every stream is compared with MR: a figure counts only if nothing was lost.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    output = {name: options.pop(name) for name in ("json_file", "html_file", "check")}
    with failures():
        measured = trio.run(measure, wanted(options), options)
    conclude(measured, **output)


async def measure(what: Wanted, options: dict[str, Any]) -> Result:
    """Run the bench."""
    rows: list[Row] = []
    lines: list[Line] = []
    remarks: list[str] = []
    written = Written()

    async def situation(name: str, scene: Scene, load: LiveLoad) -> None:
        before = await load.figures()
        began = trio.current_time()
        async with writing(scene.admin, scene.places, options["rate"]) as here:
            await trio.sleep(options["seconds"])
        await trio.sleep(_LAST_SECONDS)
        after = await load.figures()
        share = busiest_share(before, after, trio.current_time() - began)
        latencies = after.latencies.since(before.latencies)
        milliseconds = {percent: latencies.percentile_ms(percent) for percent in _PERCENTS}
        cells: dict[str, Cell] = {
            "streams": load.plan.streams,
            "updates": here.changes,
            "deliveries": latencies.count,
            "answer": percentile(sorted(here.answer_seconds), 50) * 1e3
            if here.answer_seconds
            else None,
            "client": share,
        }
        cells |= {f"{each} %": milliseconds[each] for each in (50, 90, 99, 100)}
        rows.append(Row(name, cells))
        lines.append(Line(name, _PERCENTS, tuple(milliseconds.values())))
        remarks.append(bottleneck(share))
        written.changes += here.changes
        written.refused += here.refused

    async with open_scene(what) as scene:
        few = replace(scene.load.plan, streams=_FEW_STREAMS, processes=1)
        async with open_live_load(few) as load:
            await load.open()
            await load.wait_met()
            await situation("quiet", scene, load)
        await scene.open_streams()
        await situation("full", scene, scene.load)
        await scene.load.churn(what.streams * options["churn"] / 100)
        await situation("churn", scene, scene.load)
        await scene.load.churn(0)
        verdict = await reach_verdict(scene, patience_seconds=_PATIENCE_SECONDS)
    found = begin_result(
        "propagation", QUESTION, options={**what.shown(), **options}, columns=COLUMNS
    )
    slowest = max((line.y[_PERCENTS.index(99)] or 0.0 for line in lines), default=0.0) / 1e3
    found = structs.replace(
        found,
        rows=tuple(rows),
        ratios=_ratios(lines),
        targets=(
            Target(
                "99 % of all deliveries in every situation, in seconds", slowest, CONVERGE_SECONDS
            ),
        ),
        charts=(
            Chart(
                "From the PUT to a stream",
                "per cent of deliveries",
                "ms",
                tuple(lines),
                logarithmic=True,
            ),
        ),
        remarks=tuple(remarks),
    )
    return with_verdict(found, verdict, written)


def _ratios(lines: Sequence[Line]) -> dict[str, float]:
    """Return how many times as long the median is as in the first situation."""
    at = _PERCENTS.index(50)
    first, *others = lines
    return {
        f"{line.name}_vs_{first.name}": (line.y[at] or 0.0) / base
        for line in others
        if (base := first.y[at])
    }
