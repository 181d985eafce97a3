"""What do a stream and a delivery cost? fh beside the least that Python and C need.

Every contestant is one process with all its streams open throughout; events are published in
rounds that take turns, so that what the machine does meanwhile hits all of them alike.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench.baselines.compiled import NotCompiled, compile_broadcaster
from bench.baselines.contestant import Contestant, DidNotStart, Entry
from bench.baselines.frame import frame, value_bytes_for
from bench.baselines.remote import RemoteServer, WriteRefused
from bench.load.bounds import (
    LONGEST_RUN_SECONDS,
    OutOfBounds,
    require_bounded,
    require_descriptors,
)
from bench.load.link import LoadFailed
from bench.load.marker import padded_value
from bench.load.process import machine
from bench.load.trial import Figures, Server, Trial, TrialPlan, open_trial
from bench.report import Report, as_json, as_text

NAMES = ("fh", "python", "c")
EVALUATING = "fh server"
"""fh with server-evaluated streams, each of a context of its own."""

_FH_READY_MARK = "event: features"
_BARE_READY_MARK = "\r\n\r\n"


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.fanout",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Opens many event streams to one process, publishes events and measures bytes of\n"
            "memory a stream, processor time a delivery, latencies and connects a second.\n"
            "fh's Edge runs beside a bare Python epoll broadcaster and a bare C one, which send\n"
            "the same bytes through the same socket options, in the same run.\n\n"
            "With --eval server a second fh takes part: each of its streams is another user\n"
            "(x-featurehub: userkey=17), the feature has a strategy of 50 %, and Edge evaluates\n"
            "it for each of them. Every stream has to get the value that is due to it.\n\n"
            "The servers and the load client are processes of this machine; nothing else is\n"
            "loaded unless --url says so."
        ),
        epilog=(
            "examples:\n"
            "  python -m bench.fanout\n"
            "  python -m bench.fanout --streams 2000 --events 6 --only fh --only python\n"
            "  python -m bench.fanout --eval server --only fh\n"
            "  python -m bench.fanout --url http://127.0.0.1:8085 --key ENVIRONMENT/SECRET \\\n"
            "      --feature NEW_MENU --pid 4711\n\n"
            "exit status: 0 measured; 1 a delivery was lost or wrong, a server did not start, or,\n"
            "with --check, a target was missed; 2 the run was refused."
        ),
    )
    parser.add_argument("--streams", type=int, default=10_000, help="default %(default)s")
    parser.add_argument(
        "--events", type=int, default=20, help="events for each contestant (default %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds they are split into (default %(default)s)"
    )
    parser.add_argument(
        "--spaced-ms",
        type=float,
        default=20,
        help="pause after each event has arrived (default %(default)s)",
    )
    parser.add_argument(
        "--payload-bytes", type=int, default=500, help="size of an event (default %(default)s)"
    )
    parser.add_argument(
        "--only", choices=NAMES, action="append", help="a contestant; may be repeated"
    )
    parser.add_argument(
        "--eval",
        choices=("client", "server"),
        default="client",
        help="server: measure server-evaluated streams, too (default %(default)s)",
    )
    parser.add_argument(
        "--environments",
        type=int,
        default=1,
        help="that the streams are in, in turns; an event is published in each (default 1)",
    )
    parser.add_argument(
        "--features", type=int, default=5, help="of an environment (default %(default)s)"
    )
    parser.add_argument(
        "--load-processes", type=int, default=1, help="client processes (default %(default)s)"
    )
    parser.add_argument(
        "--window", type=int, default=128, help="streams opening at once (default %(default)s)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=600,
        help=f"life of the load client, up to {LONGEST_RUN_SECONDS:,} (default %(default)s)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    remote = parser.add_argument_group("a server that runs already, instead of the contestants")
    remote.add_argument("--url", help="its address, http://HOST:PORT")
    remote.add_argument(
        "--key", help="an SDK key, ENVIRONMENT/SECRET, that may read, unlock and change values"
    )
    remote.add_argument("--feature", help="key of a STRING feature; its value is overwritten")
    remote.add_argument("--pid", type=int, help="its process, to see memory and processor time")
    remote.add_argument(
        "--allow-remote", action="store_true", help="it may be another machine: with consent only"
    )
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit status."""
    parser = arguments()
    options = parser.parse_args(words)
    if options.events < options.rounds or options.rounds < 1 or options.payload_bytes < 1:
        parser.error("there must be a round, an event for each round and a payload")
    if options.url and not (options.key and options.feature):
        parser.error("--url needs --key and --feature")
    if options.url and options.eval == "server":
        parser.error("--eval server is about the contestants: its feature needs a strategy")
    try:
        require_bounded(options.streams, options.seconds)
        require_descriptors(options.streams, processes=options.load_processes if options.url else 1)
        figures = _measure(options)
    except (OutOfBounds, WriteRefused) as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except LoadFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    report = Report(machine(), datetime.now(UTC), options.payload_bytes, tuple(figures))
    print(as_text(report))
    if options.json:
        options.json.write_text(as_json(report) + "\n", encoding="utf-8")
    failed = not report.complete or any(_UNSTARTED in each.note for each in figures)
    if options.check:
        failed = failed or not all(target.reached for target in report.targets)
    return int(failed)


_UNSTARTED = "did not start"


def _measure(options: argparse.Namespace) -> list[Figures]:
    value_bytes = value_bytes_for(options.payload_bytes)
    plan = TrialPlan(
        streams=options.streams,
        load_processes=options.load_processes,
        window=options.window,
        pause_seconds=options.spaced_ms / 1e3,
        life_seconds=options.seconds,
        environments=options.environments,
        allow_remote=options.allow_remote,
    )
    with ExitStack() as stack:
        trials: list[Trial] = []
        absent: list[Figures] = []
        if options.url:
            server = RemoteServer(
                options.url,
                options.key,
                feature_key=options.feature,
                value_bytes=value_bytes,
                pid=options.pid,
                allow_remote=options.allow_remote,
            )
            trials.append(_open(stack, server, plan))
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for name in _names(options):
                try:
                    contestant = Contestant(_entry(name, value_bytes, directory, options))
                except NotCompiled as reason:
                    absent.append(Figures(name, note=str(reason)))
                except DidNotStart as reason:
                    absent.append(Figures(name, note=f"{_UNSTARTED}: {reason}"))
                else:
                    trials.append(_open(stack, stack.enter_context(contestant), plan))
        for index in range(options.rounds):
            events = _share(options.events, options.rounds, index)
            for trial in trials:
                _tell(f"round {index + 1} of {options.rounds}: {trial.server.name}")
                trial.play_round(events)
        return [trial.figures() for trial in trials] + absent


def _open(stack: ExitStack, server: Server, plan: TrialPlan) -> Trial:
    _tell(f"{server.name}: opening {plan.streams:,} streams")
    try:
        trial = stack.enter_context(open_trial(server, plan))
    except LoadFailed as failure:
        raise LoadFailed(f"{server.name}: {failure}\n{server.complaints()}".strip()) from failure
    _tell(f"{server.name}: open, {trial.load.connects_per_second:,.0f} a second")
    return trial


def _names(options: argparse.Namespace) -> tuple[str, ...]:
    names = tuple(options.only or NAMES)
    return (EVALUATING, *names) if options.eval == "server" else names


def _entry(name: str, value_bytes: int, directory: Path, options: argparse.Namespace) -> Entry:
    def bare_order(number: int) -> bytes:
        return frame(number, value_bytes)

    def value_order(number: int) -> bytes:
        return padded_value(number, value_bytes).encode()

    host = [sys.executable, "-m", "bench.edge_host"]
    host += ["--environments", str(options.environments), "--features", str(options.features)]
    match name:
        case "fh":
            return Entry(name, host, _FH_READY_MARK, value_order)
        case _ if name == EVALUATING:
            return Entry(name, [*host, "--strategy"], _FH_READY_MARK, value_order, user_keys=True)
        case "python":
            command = [sys.executable, "-m", "bench.baselines.broadcaster"]
            return Entry(name, command, _BARE_READY_MARK, bare_order)
        case _:
            program = compile_broadcaster(directory)
            return Entry(name, [str(program)], _BARE_READY_MARK, bare_order)


def _share(events: int, rounds: int, index: int) -> int:
    return events // rounds + (index < events % rounds)


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
