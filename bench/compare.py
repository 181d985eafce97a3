"""What changed between two results of one bench."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import click
import msgspec

from bench.command import FAILED, OK, refusals
from bench.result import Better, Cell, NoResult, Result, load_result
from bench.text import aligned

RATIOS = "ratios"
"""Where ratios stand beside the rows."""


class Verdict(Enum):
    """What a change means."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both results; `change` is the share by which it grew, None from zero."""

    row: str
    figure: str
    before: float
    after: float
    change: float | None
    verdict: Verdict


def changes(before: Result, after: Result, *, tolerance: float) -> Iterator[Change]:
    """Yield what both results measured; up to a share of `tolerance` counts as the same.

    Ratios are fh's cost to another's, so less is better, unless a target asks for at least so much.

    Raises:
        NoResult: they are of different benches.
    """
    if before.bench != after.bench:
        raise NoResult(f"{before.bench} and {after.bench} measure different things")
    earlier = {row.name: row.cells for row in before.rows}
    for row in after.rows:
        for column in after.columns:
            found = _both(earlier.get(row.name, {}), row.cells, column.name)
            if found:
                yield _change(row.name, column.name, *found, column.better, tolerance)
    for name in after.ratios:
        if found := _both(before.ratios, after.ratios, name):
            yield _change(RATIOS, name, *found, _wished(after, name), tolerance)


def differences(before: Result, after: Result) -> Iterator[str]:
    """Yield what makes both hard to compare."""
    for name in sorted({*before.options, *after.options}):
        one, other = before.options.get(name), after.options.get(name)
        if one != other:
            yield f"{name} was {one}, is {other}"
    for name in ("processors", "model", "kernel", "python"):
        one, other = getattr(before.machine, name), getattr(after.machine, name)
        if one != other:
            yield f"{name} was {one}, is {other}"
    for name in sorted({*before.versions, *after.versions}):
        one, other = before.versions.get(name), after.versions.get(name)
        if one != other:
            yield f"version of {name} was {one}, is {other}"
    for which, result in (("first", before), ("second", after)):
        yield from (f"the {which} is spoiled: {each}" for each in result.spoiled)


def as_text(found: list[Change]) -> str:
    """Return the changes as a table."""
    headings = ("", "figure", "before", "after", "change", "")
    rows = []
    shown = ""
    for each in found:
        rows.append(
            (
                "" if each.row == shown else each.row,
                each.figure,
                f"{each.before:,.4g}" if each.before < 1000 else f"{each.before:,.0f}",
                f"{each.after:,.4g}" if each.after < 1000 else f"{each.after:,.0f}",
                "-" if each.change is None else f"{each.change:+.1%}",
                each.verdict.value if each.verdict in {Verdict.BETTER, Verdict.WORSE} else "",
            )
        )
        shown = each.row
    return aligned([headings, *rows])


@click.command
@click.argument("before", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("after", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1_000),
    default=10,
    show_default=True,
    metavar="PERCENT",
    help="Up to so much counts as the same.",
)
@click.option("--check", is_flag=True, help="Fail when a figure is worse.")
@click.option("--ratios", "only_ratios", is_flag=True, help="Look at ratios only.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write the changes there as JSON; - for standard output instead of the table.",
)
def command(
    before: Path,
    after: Path,
    *,
    tolerance: float,
    check: bool,
    only_ratios: bool,
    json_file: Path | None,
) -> None:
    """What changed between two results?

    Shows every figure that both have, by how much it changed, and whether that is better or worse:
    each column says in which direction it is to be wished for. Figures of two runs on a machine
    that does other things as well differ by themselves; ratios, made within one run, do so less.

    \b
    Examples:
      fh bench compare before.json after.json
      fh bench compare before.json after.json --check --ratios --tolerance 15

    The exit status is 1 when, with --check, something is worse, and 2 when the results can't be
    compared.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    with refusals():
        one, other = load_result(before), load_result(after)
        found = [
            each
            for each in changes(one, other, tolerance=tolerance / 100)
            if not only_ratios or each.row == RATIOS
        ]
    if json_file is not None:
        data = msgspec.json.format(msgspec.json.encode([asdict(each) for each in found])) + b"\n"
        if str(json_file) == "-":
            click.echo(data, nl=False)
        else:
            json_file.write_bytes(data)
    if str(json_file) != "-":
        for text in differences(one, other):
            click.echo(text)
        click.echo(as_text(found))
    worse = any(each.verdict is Verdict.WORSE for each in found)
    sys.exit(FAILED if check and worse else OK)


def _wished(result: Result, ratio: str) -> Better:
    """Return in which direction a ratio is better: a target that is measured by it tells."""
    measured = result.ratios[ratio]
    at_least = any(each.at_least and each.measured == measured for each in result.targets)
    return Better.HIGHER if at_least else Better.LOWER


def _both(
    before: Mapping[str, Cell] | Mapping[str, float],
    after: Mapping[str, Cell] | Mapping[str, float],
    name: str,
) -> tuple[float, float] | None:
    one, other = before.get(name), after.get(name)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one, other
    return None


def _change(
    row: str, figure: str, before: float, after: float, better: Better, tolerance: float
) -> Change:
    change = (after - before) / abs(before) if before else None
    return Change(
        row, figure, before, after, change, _verdict(after - before, change, better, tolerance)
    )


def _verdict(difference: float, change: float | None, better: Better, tolerance: float) -> Verdict:
    if difference == 0 or (change is not None and abs(change) <= tolerance):
        return Verdict.SAME
    match better:
        case Better.NEITHER:
            return Verdict.OTHER
        case Better.LOWER:
            return Verdict.BETTER if difference < 0 else Verdict.WORSE
        case Better.HIGHER:
            return Verdict.BETTER if difference > 0 else Verdict.WORSE
