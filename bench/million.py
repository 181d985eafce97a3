"""Do a million streams fit on this machine?

A whole party-server with workers, and a load client in as many processes as its descriptors ask
for, on loopback, best in a network namespace of their own. Every environment gets a change while
heartbeats run; every stream has to get it exactly once. The memory of the whole machine is watched
all the time: before it is used up the run ends by itself.
"""

import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import click
import trio

from bench.command import conclude, with_output
from bench.live.course import COLUMNS, GIB, Course, with_course
from bench.live.findings import with_verdict
from bench.live.limits import too_small, workers_for
from bench.live.memory import MemoryLow, MemoryWatch, guarded_memory
from bench.live.options import Wanted, failures
from bench.live.sampling import Sample, take_sample
from bench.live.scene import Scene, open_scene
from bench.live.verdict import reach_verdict
from bench.live.writing import write_all
from bench.load.bounds import MOST_STREAMS
from bench.load.live_link import processes_for
from bench.load.process import KernelMemory, kernel_memory
from bench.namespace import enter_namespace
from bench.result import Result, begin_result

QUESTION: Final = "Do a million streams fit on this machine?"
CHANGES_AT_ONCE: Final = 8

_OPENING_AT_ONCE: Final = 256
"""Each worker asks its parent for each key once: more at a time would wait in the parent, and ask
again."""

_OPEN_SECONDS: Final = 1_200.0
_ROUND_SECONDS: Final = 600.0
_IDLE_SECONDS: Final = 10.0
_REPORT_SECONDS: Final = 5.0


@click.command("million")
@click.option(
    "--streams",
    type=click.IntRange(1, MOST_STREAMS),
    default=1_000_000,
    show_default=True,
    help="Streams in all.",
)
@click.option(
    "--environments",
    type=click.IntRange(1, 5_000),
    default=1_000,
    show_default=True,
    help="Environments that they are spread over, each with a key of its own.",
)
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    default=0,
    help="Edge worker processes.  [default: as many as open files ask for]",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="How often every environment gets a change.",
)
@click.option(
    "--heartbeat",
    type=click.IntRange(0, 3_600),
    default=30,
    show_default=True,
    help="Seconds between the heartbeats of a stream; 0 for none.",
)
@click.option(
    "--netns",
    is_flag=True,
    help="Run in a network namespace of its own, where the system permits it: no connection "
    "tracking, which ends at 262,144 connections, and all ports free.",
)
@with_output
def command(**options: Any) -> None:
    """Open a million streams on this machine, change every environment, count every delivery.

    \b
    Examples:
      fh bench million --streams 20000 --environments 100
      fh bench million --netns
      fh bench million --netns --json million.json

    It takes a few minutes, both processors, and for a million streams about 12 GiB; it ends by
    itself before less than 1.5 GiB of memory are left. Streams live without end (drop-after 0).
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    output = {name: options.pop(name) for name in ("json_file", "html_file", "check")}
    warnings = too_small(options["streams"])  # before the namespace, which shows fewer limits
    for warning in warnings:
        click.echo(warning, err=True)
    with failures():
        if options["netns"]:
            enter_namespace()
        measured = trio.run(measure, options, warnings)
    conclude(measured, **output)


async def measure(options: dict[str, Any], warnings: Sequence[str]) -> Result:
    """Run the bench."""
    workers = options["workers"] or workers_for(options["streams"])
    what = Wanted(
        streams=options["streams"],
        environments=options["environments"],
        features=1,
        workers=workers,
        shape="party",
        load_processes=0,
        one_key=True,
        window=max(2, _OPENING_AT_ONCE // processes_for(options["streams"])),
    )
    settings = {"EDGE_SSE_HEARTBEAT_PERIOD": str(options["heartbeat"])}
    shown = {**what.shown(), "heartbeat": options["heartbeat"], "drop after": 0}
    found = begin_result(
        "million",
        QUESTION,
        options={**shown, "rounds": options["rounds"], "netns": str(options["netns"])},
        columns=COLUMNS,
    )
    course = Course()
    before = kernel_memory()
    watch: MemoryWatch | None = None
    try:
        async with guarded_memory() as watch:
            _tell(f"starting a party-server with {workers} workers")
            async with open_scene(what, settings=settings) as scene:
                await _open(scene, course)
                await _weigh(scene, course, before, watch)
                await _rounds(scene, course, options["rounds"])
                verdict = await reach_verdict(scene, patience_seconds=_ROUND_SECONDS)
                course.cells |= {"lost": verdict.lost, "repeated": verdict.counts.duplicates}
                found = with_verdict(found, verdict, course.written)
                _tell("closing")
    except* MemoryLow as low:
        course.spoiled.append(str(low.exceptions[0]))
    except* trio.TooSlowError:
        _tell("it took too long")
        course.spoiled.append("it took too long")
    assert watch is not None
    return with_course(found, course, watch, what.streams, warnings)


async def _open(scene: Scene, course: Course) -> None:
    """Open all streams, and tell how far they are."""
    total = scene.load.plan.streams
    _tell(f"opening {total:,} streams from {scene.load.plan.processes} processes")
    began = reported = trio.current_time()
    with trio.fail_after(_OPEN_SECONDS):
        await scene.load.open()
        while True:
            course.figures = await scene.load.figures()
            now = trio.current_time()
            course.opened.append((now - began, course.figures.live))
            course.cells["streams"] = course.figures.live
            course.cells["connects"] = course.figures.met / (now - began)
            if course.figures.met >= total:
                break
            if now - reported > _REPORT_SECONDS:
                reported = now
                _tell(f"{course.figures.live:,} are open after {now - began:.0f} s")
            await trio.sleep(0.5)


async def _weigh(scene: Scene, course: Course, before: KernelMemory, watch: MemoryWatch) -> None:
    """Let all of it rest for a while, and weigh it."""
    first = take_sample(scene.server, 0.0)
    began = trio.current_time()
    await trio.sleep(_IDLE_SECONDS)
    second = take_sample(scene.server, 0.0)
    course.cells["idle cpu"] = _used(first, second) / (trio.current_time() - began)
    programs = scene.server.programs
    course.cells["server"] = sum(program.memory_bytes() for program in programs) / GIB
    course.cells["client"] = scene.load.resident_bytes() / GIB
    course.cells["kernel"] = kernel_memory().since(before) / GIB
    course.cells["B/stream"] = watch.taken_bytes / scene.load.plan.streams
    _tell(f"{watch.taken_bytes / GIB:.2f} GiB of the machine's memory are taken")


async def _rounds(scene: Scene, course: Course, rounds: int) -> None:
    """Change every environment, and wait until every stream has the change; again and again."""
    total = scene.load.plan.streams
    before, used = await scene.load.figures(), take_sample(scene.server, 0.0)
    goal = await scene.truth()
    for number in range(1, rounds + 1):
        goal = [tuple(version + 1 for version in versions) for versions in goal]
        await scene.load.aim_at(goal)
        with trio.fail_after(_ROUND_SECONDS):
            began_ns = time.monotonic_ns()
            written = await write_all(scene.admin, scene.places, at_once=CHANGES_AT_ONCE)
            course.written.changes += written.changes
            course.written.refused += written.refused
            figures = await scene.load.wait_reached()
        seconds = (figures.reached_ns - began_ns) / 1e9
        course.rounds_seconds.append(seconds)
        _tell(f"round {number}: {written.changes:,} changes, the last stream after {seconds:.2f} s")
    course.figures = after = await scene.load.figures()
    uses = take_sample(scene.server, 0.0)
    deliveries = after.counts.deliveries - before.counts.deliveries
    if deliveries != total * rounds:
        course.spoiled.append(f"{deliveries:,} deliveries, {total * rounds:,} were due")
    if after.counts.duplicates:
        course.spoiled.append(f"{after.counts.duplicates:,} changes were told twice")
    latencies = after.latencies.since(before.latencies)
    course.cells |= {
        "deliveries": deliveries,
        "last": median(course.rounds_seconds),
        "50 %": latencies.percentile_ms(50),
        "99 %": latencies.percentile_ms(99),
        "cpu": _used(used, uses) / deliveries * 1e6 if deliveries else None,
    }


def _used(earlier: Sample, later: Sample) -> float:
    return later.processor_seconds - earlier.processor_seconds


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)
