"""Everybody's streams open at once, or one after the other: the side-by-side part of a bench."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from bench.baselines.contestant import DidNotStart
from bench.load.link import LoadFailed
from bench.load.server import Server
from bench.load.trial import Trial, TrialPlan, open_trial
from bench.peers.lineup import MOST_STREAMS, Absent, Workload, start
from bench.progress import Tell


@dataclass(slots=True)
class Contest:
    """Who takes part, and who does not and why.

    A server that did not start, or refused its streams, is among the `failed`: it should have
    taken part.
    """

    servers: list[Server] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@contextmanager
def open_contest(
    names: Sequence[str], workload: Workload, tell: Tell, *, called: str = ""
) -> Iterator[Contest]:
    """Start everybody of these names who can be started; they end with the block.

    One that takes part twice, with another workload, is `called` something else.
    """
    contest = Contest()
    with ExitStack() as stack:
        for name in names:
            tell(f"starting {called or name}")
            try:
                server = stack.enter_context(start(name, workload))
            except Absent as reason:
                contest.absent[called or name] = str(reason)
            except DidNotStart as reason:
                contest.failed[called or name] = f"did not start: {reason}"
            else:
                server.name = called or name
                contest.servers.append(server)
        yield contest


def open_trials(contest: Contest, plan: TrialPlan, stack: ExitStack, tell: Tell) -> list[Trial]:
    """Open everybody's streams, or as many as one gets at most; they close with `stack`.

    Whoever refuses them is `failed`, and the others go on.
    """
    trials = []
    for server in contest.servers:
        chosen = fitting(server, plan)
        tell(f"{server.name}: opening {chosen.streams:,} streams")
        try:
            trials.append(stack.enter_context(open_trial(server, chosen)))
        except LoadFailed as failure:
            contest.failed[server.name] = f"{failure}\n{server.complaints()}".strip()
    return trials


def fitting(server: Server, plan: TrialPlan) -> TrialPlan:
    """Return the plan with as many streams as the server gets at most."""
    return replace(plan, streams=min(plan.streams, MOST_STREAMS.get(server.name, plan.streams)))
