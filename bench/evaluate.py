"""What does an evaluation of strategies cost? fh beside the official SDKs' own evaluators.

Each evaluator is a process with its own interpreter that is told the same inputs by JSON. Their
outcomes are compared first; then they are timed, inside their processes, in rounds that take
turns.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from bench.command import FAILED, conclude, with_output
from bench.evaluators.cases import Case, cases
from bench.evaluators.comparison import as_result
from bench.evaluators.contestant import Contestant, ContestantFailed
from bench.evaluators.examples import DEFAULT_FILE, EXAMPLES, load_examples
from bench.evaluators.installed import NotInstalled, node_sdk, python_sdk
from bench.evaluators.rounds import OutcomesDiffer, Row, played, verified
from bench.progress import Tell, progress

NAMES = ("fh", "python", "node")
MOST_ROUNDS = 1_000
MOST_MILLISECONDS = 10_000.0
_NODE_PROGRAM = Path(__file__).with_name("evaluators") / "of_sdk.js"


@click.command
@click.option(
    "--rounds",
    type=click.IntRange(1, MOST_ROUNDS),
    default=15,
    show_default=True,
    help="Rounds after the warm-up.",
)
@click.option(
    "--round-ms",
    type=click.FloatRange(0, MOST_MILLISECONDS, min_open=True),
    default=50,
    show_default=True,
    help="About how long each evaluator is timed, for each case.",
)
@click.option(
    "--only",
    type=click.Choice(NAMES),
    multiple=True,
    help="An evaluator; may be repeated.  [default: all]",
)
@click.option(
    "--case",
    "names",
    multiple=True,
    metavar="NAME",
    help="A case by its name; may be repeated.  [default: all]",
)
@click.option(
    "--examples",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_FILE,
    metavar="FILE",
    help="Upstream's published examples.  [default: beside the repository, if there]",
)
@with_output
def command(
    rounds: int,
    round_ms: float,
    only: Sequence[str],
    names: Sequence[str],
    examples: Path,
    json_file: Path | None,
    html_file: Path | None,
    *,
    check: bool,
) -> None:
    """What does an evaluation of strategies cost, beside the SDKs' own?

    Times fh's evaluation of rollout strategies beside the official Python and Node SDKs', on the
    same strategies and contexts. All must come to the same outcomes before anything is timed; where
    upstream's server and SDKs contradict each other, the inputs keep to what they agree on.

    The SDKs are installed at the first run, from their registries, into build/.cache/e2e; without a
    way to them, the others run. The examples that upstream publishes are one more case where their
    file is.

    \b
    Examples:
      fh bench evaluate
      fh bench evaluate --only fh --only python --rounds 5 --case percentage
      fh bench evaluate --json evaluate.json --check

    The exit status is 1 when outcomes differ, an evaluator failed, or, with --check, a target was
    missed.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    chosen = [*cases(), *filter(None, (load_examples(examples),))]
    if unknown := set(names) - {case.name for case in chosen}:
        raise click.UsageError(f"no such case: {', '.join(sorted(unknown))}")
    chosen = [case for case in chosen if not names or case.name in names]
    absent: dict[str, str] = {}
    wanted = tuple(dict.fromkeys(only)) or NAMES
    try:
        with progress("evaluate", len(wanted) + rounds + 3) as tell, ExitStack() as stack:
            contestants = _started(stack, wanted, absent, tell)
            versions = {each.name: each.version for each in contestants}
            rows = _rows(chosen, contestants, rounds, round_ms / 1e3, tell)
    except (ContestantFailed, OutcomesDiffer) as failure:
        click.echo(failure, err=True)
        sys.exit(FAILED)
    result = as_result(
        rows, versions=versions, absent=absent, options={"rounds": rounds, "round_ms": round_ms}
    )
    conclude(result, json_file=json_file, html_file=html_file, check=check)


def _started(
    stack: ExitStack, names: Sequence[str], absent: dict[str, str], tell: Tell
) -> tuple[Contestant, ...]:
    """Start the evaluators that there are; note in `absent` why the others are not.

    Raises:
        ContestantFailed: there is none, or one does not start.
    """
    started = []
    for name in names:
        tell(f"starting {name}")
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
    chosen: Sequence[Case],
    contestants: Sequence[Contestant],
    rounds: int,
    seconds: float,
    tell: Tell,
) -> tuple[Row, ...]:
    tell("comparing outcomes")
    return played(
        # Upstream contradicts itself in its own examples: what has no one outcome is left out.
        [verified(case, contestants, only_agreed=case.name == EXAMPLES) for case in chosen],
        contestants,
        rounds=rounds,
        seconds=seconds,
        tell=tell,
    )
