"""What does a stream cost to open and to hold? fh beside others.

All contestants run throughout; in each round one after the other opens all its streams anew. What
memory they take is seen in the first round: what a server keeps for later is not given back.
"""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from bench.baselines.frame import value_bytes_for
from bench.baselines.remote import RemoteServer
from bench.command import (
    STREAMS,
    WORKERS,
    conclude,
    refusals,
    with_load,
    with_output,
    with_remote,
)
from bench.connections_result import EACH, FEW_FEATURES, Found, as_result
from bench.contest import Contest, fitting, open_contest
from bench.load.bounds import require_bounded, require_descriptors
from bench.load.link import LoadFailed
from bench.load.server import Server
from bench.load.trial import Figures, TrialPlan, open_trial
from bench.namespace import enter_namespace
from bench.peers.lineup import FH, NAMES, Workload
from bench.progress import Tell, progress
from bench.result import Cell, Result

_VALUE_BYTES = value_bytes_for(1)


@dataclass(frozen=True, slots=True)
class Options:
    """What one run was asked for."""

    streams: int
    workers: int
    features: int
    rounds: int
    only: tuple[str, ...]
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
        return ("url",) if self.url else tuple(dict.fromkeys(self.only)) or NAMES


@click.command
@STREAMS
@WORKERS
@click.option(
    "--features",
    type=click.IntRange(1, 1_000),
    default=50,
    show_default=True,
    help="Features of fh's environment: each stream gets them all when it opens.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Rounds, in each of which everybody opens all streams anew.",
)
@click.option(
    "--only",
    type=click.Choice(NAMES),
    multiple=True,
    help="Who takes part; may be repeated.  [default: all]",
)
@with_remote
@with_load
@with_output
def command(json_file: Path | None, html_file: Path | None, *, check: bool, **options: Any) -> None:
    """What does a stream cost to open and to hold?

    Opens and holds many event streams on each of several servers, and measures user and kernel
    memory a stream, connects a second, and processor time a subscribe. At fh that is a request
    read, its key checked, and the first features of an environment sent; a second fh has an
    environment for each stream, which tells what an environment takes. The others check no key and
    send no features.

    \b
    Examples:
      fh bench connections --streams 2000
      fh bench connections --only fh --only c --only nchan --html connections.html
      fh bench connections --streams 40000 --load-processes 2 --workers 2 --only fh
      fh bench connections --url http://127.0.0.1:8085 --key ENVIRONMENT/SECRET --pid 4711

    A process can't open more streams than its limit of open files permits (ulimit -Hn): more
    streams need --workers and --load-processes.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    asked = Options(**options)
    if asked.url and (not asked.key or "," in asked.key):
        raise click.UsageError("--url needs one --key")
    if asked.url and asked.netns:
        raise click.UsageError("the server of --url is not in the namespace of --netns")
    with refusals():
        require_bounded(asked.streams, asked.seconds)
        require_descriptors(asked.streams, processes=asked.load_processes)
        if not asked.url:
            require_descriptors(asked.streams, processes=max(1, asked.workers))
        if asked.netns:
            enter_namespace()
        result = measure(asked)
    conclude(result, json_file=json_file, html_file=html_file, check=check)


def measure(asked: Options) -> Result:
    """Return what a run found.

    Raises:
        WriteRefused: --url is no address.
    """
    with progress("connections", (1 + asked.rounds) * (len(asked.names) + 1)) as tell:
        found = _measure(asked, tell)
    options: dict[str, Cell] = {
        "streams": asked.streams,
        "features": asked.features,
        "workers": asked.workers,
        "rounds": asked.rounds,
        "load_processes": asked.load_processes,
        "netns": "yes" if asked.netns else "no",
    }
    return as_result(found, options=options, names=asked.names)


def _measure(asked: Options, tell: Tell) -> Found:
    plan = TrialPlan(
        streams=asked.streams,
        load_processes=asked.load_processes,
        window=asked.window,
        life_seconds=asked.seconds,
        allow_remote=asked.allow_remote,
        # An event's memory, once freed, would hold streams for nothing.
        warm_up_events=0,
    )
    with ExitStack() as stack:
        plans: dict[str, TrialPlan] = {}
        if asked.url:
            assert asked.key is not None
            remote = RemoteServer(
                asked.url, asked.key, pid=asked.pid, allow_remote=asked.allow_remote
            )
            contest = Contest([remote])
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            workload = Workload(
                directory, _VALUE_BYTES, features=asked.features, workers=asked.workers
            )
            contest = stack.enter_context(open_contest(asked.names, workload, tell))
            if FH in asked.names:
                plans[EACH] = replace(plan, environments=asked.streams)
                many = replace(workload, environments=asked.streams, features=FEW_FEATURES)
                each = stack.enter_context(open_contest([FH], many, tell, called=EACH))
                contest.servers[1:1] = each.servers
                contest.failed |= each.failed
        found = Found(absent=contest.absent, failed=contest.failed)
        for number in range(asked.rounds):
            for server in contest.servers:
                if server.name in found.failed:
                    continue
                tell(f"round {number + 1} of {asked.rounds}: {server.name}")
                chosen = fitting(server, plans.get(server.name, plan))
                try:
                    figures = _play(server, chosen)
                except LoadFailed as failure:
                    found.failed[server.name] = f"{failure}\n{server.complaints()}".strip()
                    found.rounds.pop(server.name, None)
                else:
                    found.rounds.setdefault(server.name, []).append(figures)
        return found


def _play(server: Server, plan: TrialPlan) -> Figures:
    with open_trial(server, plan) as trial:
        return trial.figures()
