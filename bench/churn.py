"""Does anything get lost while clients come and go?

Streams leave at a rate, half of them without a word, and come back: half as they were, with
`Last-Event-ID`, half as new clients. Features change all the while. At the end every stream is
compared with MR.
"""

from typing import Any, Final

import click
import trio
from msgspec import structs

from bench.command import conclude, with_output
from bench.live.findings import VERDICT_COLUMNS, verdict_cells, with_verdict
from bench.live.options import Wanted, failures, wanted, with_live
from bench.live.sampling import take_sample
from bench.live.scene import open_scene
from bench.live.verdict import reach_verdict
from bench.live.writing import writing
from bench.load.live_link import bottleneck, busiest_share
from bench.result import Better, Column, Result, Row, begin_result

QUESTION: Final = "Does anything get lost while clients come and go?"
COLUMNS: Final = (
    Column("asked", "streams that shall leave each second", "/s"),
    Column("reached", "streams that came back each second", "/s", Better.HIGHER, 1),
    Column("first 50 %", "from connecting to all features, the median", "ms", Better.LOWER, 1),
    Column("first 99 %", "from connecting to all features", "ms", Better.LOWER, 1),
    Column("change 50 %", "from an admin's PUT to a stream, the median", "ms", Better.LOWER, 1),
    Column("change 99 %", "from an admin's PUT to a stream", "ms", Better.LOWER, 1),
    Column("cpu", "processors that the server used", "", Better.LOWER, 2),
    Column("client", "processor share of the busiest load process", "", Better.NEITHER, 2),
    *VERDICT_COLUMNS,
)

_PATIENCE_SECONDS: Final = 60.0


@click.command("churn")
@with_live
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3000),
    default=20.0,
    show_default=True,
    help="How long each step lasts.",
)
@click.option(
    "--churn",
    "steps",
    type=click.FloatRange(0, 100),
    multiple=True,
    default=(0.0, 1.0, 5.0, 10.0),
    show_default=True,
    help="Streams that leave each second, in per cent; repeated for more than one step.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    default=5.0,
    show_default=True,
    help="Changes a second.",
)
@click.option(
    "--away",
    type=click.FloatRange(0, 60),
    default=0.2,
    show_default=True,
    help="Seconds that a stream stays away.",
)
@with_output
def command(**options: Any) -> None:
    """Let streams leave and come back at growing rates, and see that nothing is lost.

    \b
    Examples:
      fh bench churn
      fh bench churn --streams 5000 --churn 5 --churn 20 --workers 2
      fh bench churn --shape split --environments 20 --seconds 60
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    output = {name: options.pop(name) for name in ("json_file", "html_file", "check")}
    with failures():
        measured = trio.run(measure, wanted(options), options)
    conclude(measured, **output)


async def measure(what: Wanted, options: dict[str, Any]) -> Result:
    """Run the bench."""
    rows: list[Row] = []
    shares: list[float] = []
    async with open_scene(what) as scene:
        await scene.open_streams()
        async with writing(scene.admin, scene.places, options["rate"]) as written:
            for step in options["steps"]:
                asked = what.streams * step / 100
                before, used = await scene.load.figures(), take_sample(scene.server, 0.0)
                began = trio.current_time()
                await scene.load.churn(asked, options["away"])
                await trio.sleep(options["seconds"])
                after, uses = await scene.load.figures(), take_sample(scene.server, 0.0)
                seconds = trio.current_time() - began
                openings = after.openings.since(before.openings)
                latencies = after.latencies.since(before.latencies)
                shares.append(busiest_share(before, after, seconds))
                rows.append(
                    Row(
                        f"{step:g} % a second",
                        {
                            "asked": asked,
                            "reached": openings.count / seconds,
                            "first 50 %": openings.percentile_ms(50),
                            "first 99 %": openings.percentile_ms(99),
                            "change 50 %": latencies.percentile_ms(50),
                            "change 99 %": latencies.percentile_ms(99),
                            "cpu": (uses.processor_seconds - used.processor_seconds) / seconds,
                            "client": shares[-1],
                        },
                    )
                )
            await scene.load.churn(0)
        verdict = await reach_verdict(scene, patience_seconds=_PATIENCE_SECONDS)
    rows.append(Row("all of it", verdict_cells(verdict, written)))
    found = begin_result(
        "churn",
        QUESTION,
        options={
            **what.shown(),
            **options,
            "steps": ", ".join(f"{step:g} %" for step in options["steps"]),
        },
        columns=COLUMNS,
    )
    found = structs.replace(
        found, rows=tuple(rows), remarks=(bottleneck(max(shares, default=0.0)),)
    )
    return with_verdict(found, verdict, written)
