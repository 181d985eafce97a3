"""What each fault came to, as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: who watched, what was written meanwhile, and what became of it.

    `lost` counts watchers that did not arrive at MR's state, `reconnects` streams that had to be
    opened again, `refused` polls that were answered 5xx, and `converged` seconds from the fault's
    end until everybody held what MR holds.
    """

    fault: str
    streams: int
    polls: int
    updates: int
    events: int
    reconnects: int
    refused: int
    lost: int
    converged: float


def table(rows: Sequence[Row]) -> str:
    """Return the rows below their headings."""
    names = [each.name for each in fields(Row)]
    cells = [names, *([_text(value) for value in asdict(row).values()] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return "".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        + "\n"
        for line in cells
    )


def write(rows: Sequence[Row], stem: Path) -> None:
    """Write the report as text and as JSON."""
    stem.with_suffix(".txt").write_text(table(rows))
    stem.with_suffix(".json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
