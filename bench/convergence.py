"""Does every stream hold what MR holds? The proof that nothing was lost.

Features change as fast as MR takes it while streams leave, come back, and are sent away by the
server. Then nothing is written any more, and what every single stream holds is compared with what
MR says: a version that is missing is lost, one that went back was wrong.
"""

from typing import Any, Final

import click
import trio
from msgspec import structs

from bench.command import conclude, with_output
from bench.live.findings import VERDICT_COLUMNS, verdict_cells, with_verdict
from bench.live.options import Wanted, failures, wanted, with_live
from bench.live.scene import open_scene
from bench.live.verdict import reach_verdict
from bench.live.writing import writing
from bench.load.live_link import bottleneck, busiest_share
from bench.result import Result, Row, begin_result

QUESTION: Final = "Does every stream hold what MR holds?"
PATIENCE_SECONDS: Final = 60.0


@click.command("convergence")
@with_live
@click.option(
    "--seconds", type=click.FloatRange(1, 3000), default=20.0, show_default=True, help="Writing."
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    default=100.0,
    show_default=True,
    help="Changes a second, at most: what MR does not manage is not made up for.",
)
@click.option(
    "--churn",
    type=click.FloatRange(0, 50),
    default=2.0,
    show_default=True,
    help="Streams that leave each second and come back, in per cent.",
)
@click.option(
    "--drop-after",
    type=click.IntRange(0, 3600),
    default=5,
    show_default=True,
    help="Seconds after which a server that is started sends a stream away; 0 for never.",
)
@with_output
def command(**options: Any) -> None:
    """Change features while streams come and go, then compare every stream with MR.

    \b
    Examples:
      fh bench convergence
      fh bench convergence --shape split --streams 1000 --environments 10
      fh bench convergence --workers 2 --seconds 60
      fh bench convergence --url http://localhost:8085 --key ENVIRONMENT/SECRET \\
          --admin-token TOKEN --feature NEW_MENU

    Half of the streams that leave come back as they were, with `Last-Event-ID`; the others come
    back as new clients that hold nothing. Nothing that happened meanwhile may be missing.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    output = {name: options.pop(name) for name in ("json_file", "html_file", "check")}
    with failures():
        measured = trio.run(measure, wanted(options), options)
    conclude(measured, **output)


async def measure(what: Wanted, options: dict[str, Any]) -> Result:
    """Run the bench."""
    settings = {"EDGE_SSE_DROP_AFTER_SECONDS": str(options["drop_after"])}
    async with open_scene(what, settings=settings) as scene:
        before, _ = await scene.open_streams()
        async with writing(scene.admin, scene.places, options["rate"]) as written:
            await scene.load.churn(what.streams * options["churn"] / 100)
            began = trio.current_time()
            await trio.sleep(options["seconds"])
            after = await scene.load.figures()
            share = busiest_share(before, after, trio.current_time() - began)
            await scene.load.churn(0)
        verdict = await reach_verdict(scene, patience_seconds=PATIENCE_SECONDS)
    found = begin_result(
        "convergence", QUESTION, options={**what.shown(), **options}, columns=VERDICT_COLUMNS
    )
    row = Row(what.name, verdict_cells(verdict, written))
    found = structs.replace(found, rows=(row,), remarks=(bottleneck(share),))
    return with_verdict(found, verdict, written)
