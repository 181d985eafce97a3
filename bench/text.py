"""A result as people read it on a terminal or in a text file."""

from collections.abc import Iterator, Sequence

from bench.load.process import Machine
from bench.result import Cell, Column, Result, Row, Target

_UNKNOWN = "-"


def as_text(result: Result) -> str:
    """Return the result as lines: the machine, a table, ratios, targets, remarks, a legend."""
    return "\n".join(_lines(result))


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return `rows` as lines with the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def machine_line(machine: Machine) -> str:
    """Return what a figure has to be read with."""
    memory = f"{machine.memory_bytes / 2**30:.0f} GiB"
    return (
        f"{machine.processors} processors ({machine.model}), {memory}, Linux {machine.kernel}, "
        f"{machine.python}, load {machine.load_average:.2f}"
    )


def shown(cell: Cell, column: Column) -> str:
    """Return a figure as it stands in a table."""
    match cell:
        case None:
            return _UNKNOWN
        case str():
            return cell
        case _:
            return f"{cell:,.{column.decimals}f}"


def target_line(target: Target) -> str:
    """Return whether a target was reached, and what was measured."""
    bound = f"at {'least' if target.at_least else 'most'} {target.limit:,g}"
    match target.reached:
        case None:
            return f"not measured: {target.text}, {bound}"
        case reached:
            verdict = "reached" if reached else "MISSED"
            return f"{verdict}: {target.text}: {target.measured:,.4g}, {bound}"


def _lines(result: Result) -> Iterator[str]:
    yield f"{result.bench}: {result.question}"
    yield machine_line(result.machine)
    yield ", ".join(f"{name} {each}" for name, each in result.versions.items())
    yield ", ".join(
        f"{name} {value}" for name, value in result.options.items() if value is not None
    )
    yield ""
    measured = [row for row in result.rows if row.cells]
    if measured:
        yield aligned([_headings(result), *(_row(row, result.columns) for row in measured)])
        yield ""
    yield from (f"{row.name}: {row.note}" for row in result.rows if row.note)
    yield from (f"{name}: {ratio:.2f}" for name, ratio in result.ratios.items())
    yield from (f"SPOILED: {each}" for each in result.spoiled)
    yield from map(target_line, result.targets)
    yield from result.remarks
    yield ""
    width = max((len(column.name) for column in result.columns), default=0)
    for column in result.columns:
        unit = f", in {column.unit}" if column.unit else ""
        yield f"{column.name.ljust(width)}  {column.meaning}{unit}"


def _headings(result: Result) -> tuple[str, ...]:
    return ("", *(column.name for column in result.columns))


def _row(row: Row, columns: Sequence[Column]) -> tuple[str, ...]:
    return (row.name, *(shown(row.cells.get(column.name), column) for column in columns))
