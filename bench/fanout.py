"""What does a delivery cost, and when does the last stream have it? fh beside others.

Every contestant is one process with all its streams open throughout; events are published in
rounds that take turns, so that what the machine does meanwhile hits all of them alike.
"""

import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from bench.baselines.frame import value_bytes_for
from bench.baselines.remote import RemoteServer
from bench.command import (
    ENVIRONMENTS,
    FAILED,
    PAYLOAD,
    STREAMS,
    WORKERS,
    conclude,
    refusals,
    with_load,
    with_output,
    with_remote,
)
from bench.contest import Contest, open_contest, open_trials
from bench.fanout_result import Found, as_result
from bench.load.bounds import OutOfBounds, require_bounded, require_descriptors
from bench.load.link import LoadFailed
from bench.load.marker import ENVIRONMENT_STEP
from bench.load.outcomes import MOST_ENVIRONMENTS
from bench.load.trial import TrialPlan
from bench.namespace import enter_namespace
from bench.peers.lineup import EVALUATING, NAMES, Workload
from bench.progress import Tell, progress
from bench.result import Result

_MOST_EVENTS = ENVIRONMENT_STEP // 2
_MOST_IN_BURST = 24
"""As many events of the usual size fit into the buffers of a socket that nobody reads yet."""


@dataclass(frozen=True, slots=True)
class Options:
    """What one run was asked for."""

    streams: int
    environments: int
    workers: int
    events: int
    rounds: int
    spaced_ms: float
    back_to_back: bool
    payload_bytes: int
    only: tuple[str, ...]
    evaluation: Literal["client", "server"]
    feature: str | None
    url: str | None
    key: str | None
    pid: int | None
    allow_remote: bool
    load_processes: int
    window: int
    seconds: float
    netns: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Who is asked to take part."""
        if self.url:
            return ("url",)
        names = tuple(dict.fromkeys(self.only)) or NAMES
        return (EVALUATING, *names) if self.evaluation == "server" else names


@click.command
@STREAMS
@ENVIRONMENTS
@WORKERS
@click.option(
    "--events",
    type=click.IntRange(1, _MOST_EVENTS),
    default=20,
    show_default=True,
    help="Events in all, in each environment.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Rounds that they are split into, in which all take turns.",
)
@click.option(
    "--spaced-ms",
    type=click.FloatRange(0, 10_000),
    default=20,
    show_default=True,
    help="Pause after each event has arrived everywhere.",
)
@click.option(
    "--back-to-back",
    is_flag=True,
    help="Publish a round's events at once, without waiting for any to arrive.",
)
@PAYLOAD
@click.option(
    "--only",
    type=click.Choice(NAMES),
    multiple=True,
    help="Who takes part; may be repeated.  [default: all]",
)
@click.option(
    "--eval",
    "evaluation",
    type=click.Choice(["client", "server"]),
    default="client",
    show_default=True,
    help="server: a second fh takes part that evaluates a strategy for each stream's own user.",
)
@click.option("--feature", metavar="KEY", help="With --url: a STRING feature, to be overwritten.")
@with_remote
@with_load
@with_output
def command(json_file: Path | None, html_file: Path | None, *, check: bool, **options: Any) -> None:
    """What does a delivery cost, and when does the last stream have it?

    Opens many event streams to each of several servers, publishes events, and measures processor
    time a delivery, latencies, deliveries a second, and memory a stream. fh's Edge runs beside a
    bare epoll broadcaster in C and one in Python, nginx with nchan, Node's http module, and
    quart-trio on hypercorn: those that are installed. All get the same events, send them through
    the same socket options, and are measured in the same run; ratios are printed.

    With --environments K the streams are spread over K environments (channels), each event is one
    in every environment, and every stream must get exactly its own environment's.

    \b
    Examples:
      fh bench fanout --streams 2000 --html fanout.html
      fh bench fanout --environments 100 --only fh --only c --only nchan
      fh bench fanout --streams 10000 --environments 10000 --events 5
      fh bench fanout --back-to-back --events 40
      fh bench fanout --eval server --only fh
      fh bench fanout --url http://127.0.0.1:8085 --key ENVIRONMENT/SECRET \\
          --feature NEW_MENU --pid 4711

    The exit status is 0 when everything was measured, 1 when a delivery was lost or wrong, a server
    did not start or, with --check, a target was missed, and 2 when the run was refused.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    asked = Options(**options)
    _require_sense(asked)
    with refusals():
        require_bounded(asked.streams, asked.seconds)
        if asked.environments > MOST_ENVIRONMENTS:
            raise OutOfBounds(f"at most {MOST_ENVIRONMENTS:,} environments can be told apart")
        require_descriptors(asked.streams, processes=asked.load_processes if asked.url else 1)
        if asked.netns:
            enter_namespace()
        try:
            result = measure(asked)
        except LoadFailed as failure:
            click.echo(failure, err=True)
            sys.exit(FAILED)
    conclude(result, json_file=json_file, html_file=html_file, check=check)


def measure(asked: Options) -> Result:
    """Return what a run found.

    Raises:
        LoadFailed: a load client ended before its time.
        WriteRefused: the server by URL did not take a value.
    """
    steps = (2 + asked.rounds) * len(asked.names)
    with progress("fanout", steps) as tell:
        found = _measure(asked, tell)
    return as_result(
        found,
        options={
            "streams": asked.streams,
            "environments": asked.environments,
            "workers": asked.workers,
            "events": asked.events,
            "rounds": asked.rounds,
            "spacing": "back to back" if asked.back_to_back else f"{asked.spaced_ms:g} ms",
            "payload_bytes": asked.payload_bytes,
            "eval": asked.evaluation,
            "load_processes": asked.load_processes,
            "netns": "yes" if asked.netns else "no",
        },
        names=asked.names,
    )


def _require_sense(asked: Options) -> None:
    if asked.events < asked.rounds:
        raise click.UsageError("there must be an event for each round")
    if asked.back_to_back and asked.events / asked.rounds > _MOST_IN_BURST:
        raise click.UsageError(
            f"at most {_MOST_IN_BURST} events back to back: the bare broadcasters send away who "
            "has not read them; ask for more rounds"
        )
    if not asked.url:
        return
    if not (asked.key and asked.feature):
        raise click.UsageError("--url needs --key and --feature")
    if "," in asked.key or asked.environments > 1 or asked.workers:
        raise click.UsageError("--url has the environment of its one key, and its own workers")
    if asked.evaluation == "server":
        raise click.UsageError("--eval server is not for --url: its feature needs a strategy")
    if asked.netns:
        raise click.UsageError("the server of --url is not in the namespace of --netns")


def _measure(asked: Options, tell: Tell) -> Found:
    value_bytes = value_bytes_for(asked.payload_bytes)
    plan = TrialPlan(
        streams=asked.streams,
        load_processes=asked.load_processes,
        window=asked.window,
        pause_seconds=asked.spaced_ms / 1e3,
        life_seconds=asked.seconds,
        environments=asked.environments,
        allow_remote=asked.allow_remote,
    )
    with ExitStack() as stack:
        if asked.url:
            contest = Contest([_remote(asked, asked.url, value_bytes)])
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            workload = Workload(directory, value_bytes, asked.environments, workers=asked.workers)
            contest = stack.enter_context(open_contest(asked.names, workload, tell))
        trials = open_trials(contest, plan, stack, tell)
        found = Found(absent=contest.absent, failed=contest.failed)
        for index in range(asked.rounds):
            events = share(asked.events, asked.rounds, index)
            # Whoever comes first in a round comes last in the next.
            for trial in trials if index % 2 else reversed(trials):
                tell(f"round {index + 1} of {asked.rounds}: {trial.server.name}")
                if asked.back_to_back:
                    trial.play_burst(events)
                else:
                    trial.play_round(events)
        for trial in trials:
            if not asked.url:
                trial.end()
            found.figures.append(trial.figures())
        return found


def _remote(asked: Options, url: str, value_bytes: int) -> RemoteServer:
    assert asked.key is not None
    assert asked.feature is not None
    return RemoteServer(
        url,
        asked.key,
        feature_key=asked.feature,
        value_bytes=value_bytes,
        pid=asked.pid,
        allow_remote=asked.allow_remote,
    )


def share(events: int, rounds: int, index: int) -> int:
    """Return how many of `events` are in round `index`, the first 0."""
    return events // rounds + (index < events % rounds)
