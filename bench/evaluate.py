"""What does an evaluation of strategies cost? fh beside the official SDKs' own evaluators.

Each evaluator is a process with its own interpreter that is told the same inputs by JSON. Their
outcomes are compared first; then they are timed, inside their processes, in rounds that take
turns.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench.evaluators.cases import Case, cases
from bench.evaluators.comparison import Comparison, as_json, as_text
from bench.evaluators.contestant import Contestant, ContestantFailed
from bench.evaluators.examples import DEFAULT_FILE, EXAMPLES, load_examples
from bench.evaluators.installed import NotInstalled, node_sdk, python_sdk
from bench.evaluators.rounds import OutcomesDiffer, Row, played, verified
from bench.load.process import machine

NAMES = ("fh", "python", "node")
MOST_ROUNDS = 1_000
MOST_MILLISECONDS = 10_000.0
_NODE_PROGRAM = Path(__file__).with_name("evaluators") / "of_sdk.js"


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.evaluate",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Times fh's evaluation of rollout strategies beside the official Python and Node\n"
            "SDKs', on the same strategies and contexts. All must come to the same outcomes\n"
            "before anything is timed; where upstream's server and SDKs contradict each other,\n"
            "the inputs keep to what they agree on (see bench/evaluators/cases.py).\n\n"
            "The SDKs are installed at the first run, from their registries, into\n"
            "build/.cache/e2e; without a way to them, the others run. The examples that\n"
            "upstream publishes are one more case where their file is."
        ),
        epilog=(
            "examples:\n"
            "  python -m bench.evaluate\n"
            "  python -m bench.evaluate --only fh --only python --rounds 5 --case percentage\n"
            "  python -m bench.evaluate --json bench/reports/evaluate.json --check\n\n"
            "exit status: 0 measured; 1 outcomes differ, an evaluator failed, or, with --check,\n"
            "a target was missed."
        ),
    )
    parser.add_argument(
        "--rounds", type=int, default=15, help="rounds after the warm-up (default %(default)s)"
    )
    parser.add_argument(
        "--round-ms",
        type=float,
        default=50,
        help="about how long each evaluator is timed, for each case (default %(default)s)",
    )
    parser.add_argument(
        "--only", choices=NAMES, action="append", help="an evaluator; may be repeated"
    )
    parser.add_argument(
        "--case", action="append", metavar="NAME", help="a case by its name; may be repeated"
    )
    parser.add_argument(
        "--examples",
        type=Path,
        default=DEFAULT_FILE,
        metavar="FILE",
        help="upstream's published examples (default: beside the repository, if there)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit status."""
    parser = arguments()
    options = parser.parse_args(words)
    if not (1 <= options.rounds <= MOST_ROUNDS and 0 < options.round_ms <= MOST_MILLISECONDS):
        parser.error(f"1 to {MOST_ROUNDS:,} rounds, of up to {MOST_MILLISECONDS:,.0f} ms")
    chosen = [*cases(), *filter(None, (load_examples(options.examples),))]
    if options.case:
        unknown = set(options.case) - {case.name for case in chosen}
        if unknown:
            parser.error(f"no such case: {', '.join(sorted(unknown))}")
        chosen = [case for case in chosen if case.name in options.case]
    absent: dict[str, str] = {}
    try:
        with ExitStack() as stack:
            contestants = _started(stack, options.only or NAMES, absent)
            versions = {each.name: each.version for each in contestants}
            rows = _rows(chosen, contestants, options)
    except (ContestantFailed, OutcomesDiffer) as failure:
        print(failure, file=sys.stderr)
        return 1
    comparison = Comparison(machine(), datetime.now(UTC), versions, absent, rows)
    print(as_text(comparison))
    if options.json:
        options.json.write_text(as_json(comparison) + "\n", encoding="utf-8")
    return int(options.check and not all(target.reached for target in comparison.targets))


def _started(
    stack: ExitStack, names: Sequence[str], absent: dict[str, str]
) -> tuple[Contestant, ...]:
    """Start the evaluators that there are; note in `absent` why the others are not.

    Raises:
        ContestantFailed: there is none, or one does not start.
    """
    started = []
    for name in names:
        _tell(f"starting {name}")
        try:
            contestant = _contestant(name)
        except NotInstalled as reason:
            absent[name] = f"not installed: {reason}"
        else:
            started.append(stack.enter_context(contestant))
    if not started:
        raise ContestantFailed("\n".join(f"{name}: {reason}" for name, reason in absent.items()))
    return tuple(started)


def _contestant(name: str) -> Contestant:
    match name:
        case "fh":
            return Contestant(name, [sys.executable, "-m", "bench.evaluators.of_fh"], {})
        case "python":
            runtime = python_sdk()
            command = [*runtime.command, "-m", "bench.evaluators.of_sdk"]
            return Contestant(name, command, runtime.environment)
        case _:
            runtime = node_sdk()
            return Contestant(name, [*runtime.command, str(_NODE_PROGRAM)], runtime.environment)


def _rows(
    chosen: Sequence[Case], contestants: Sequence[Contestant], options: argparse.Namespace
) -> tuple[Row, ...]:
    _tell("comparing outcomes")
    return played(
        # Upstream contradicts itself in its own examples: what has no one outcome is left out.
        [verified(case, contestants, only_agreed=case.name == EXAMPLES) for case in chosen],
        contestants,
        rounds=options.rounds,
        seconds=options.round_ms / 1e3,
        tell=_tell,
    )


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
