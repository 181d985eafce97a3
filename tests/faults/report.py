"""What each fault came to, as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: who watched, what was written meanwhile, and what became of it.

    `polls` were answered, `refused` of them 5xx. `reconnects` counts streams that had to be opened
    again, `lost` watchers that did not arrive at MR's state, `wrong` whatever was noted that should
    never be. `converged` are seconds from the fault's end until everybody held what MR held. Once
    it has no consequences any more, `health` are those that the slowest update took, `revoked`
    those until the streams of a key that was reset had ended.
    """

    fault: str
    streams: int
    polls: int
    updates: int
    events: int
    reconnects: int
    refused: int
    lost: int
    wrong: int
    converged: float
    health: float
    revoked: float


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


def write(row: Row, stem: Path, order: Sequence[str]) -> None:
    """Put `row` into the report, as text and as JSON, beside the rows of the other faults.

    Those are kept from runs before; what `order` does not name is no fault any more.
    """
    known = {each.fault: each for each in (*_read(stem.with_suffix(".json")), row)}
    rows = [known[fault] for fault in order if fault in known]
    stem.with_suffix(".txt").write_text(table(rows))
    stem.with_suffix(".json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def _read(path: Path) -> list[Row]:
    """Return the rows of a report; none of one that was written with other columns."""
    if not path.exists():
        return []
    names = {each.name for each in fields(Row)}
    return [Row(**each) for each in json.loads(path.read_text()) if set(each) == names]


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
