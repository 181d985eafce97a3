"""What the contestants of connections did, as a result: columns, ratios, targets, charts."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from bench.fanout_result import (
    CONNECTS,
    KERNEL,
    MOST_BYTES_A_STREAM,
    MOST_BYTES_AN_ENVIRONMENT,
    SUBSCRIBE,
    USER,
)
from bench.load.trial import Figures
from bench.peers.lineup import FH, MEANINGS, MOST_STREAMS, versions
from bench.result import Better, Cell, Chart, Column, Line, Result, Row, Target, begin_result

EACH: Final = "fh, K = N"
"""fh with an environment for each stream."""

MOST_SUBSCRIBE_US: Final = 100.0

ENVIRONMENT: Final = Column(
    "environment B",
    "user memory of an environment with one stream, beyond that of the stream",
    "bytes",
    Better.LOWER,
)
COLUMNS: Final = (USER, KERNEL, ENVIRONMENT, CONNECTS, SUBSCRIBE)

FEW_FEATURES: Final = 5
"""Of each environment where there are many: they are in Dacha, and not what is measured."""


@dataclass(slots=True)
class Found:
    """The figures of each round by name; why others took no part, or should have."""

    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def as_result(found: Found, *, options: Mapping[str, Cell], names: Sequence[str]) -> Result:
    """Return the result of a run."""
    begun = begin_result(
        "connections",
        "what does a stream cost to open and to hold?",
        options=options,
        columns=COLUMNS,
        versions=versions(names),
    )
    rows = [_row(name, rounds, found) for name, rounds in found.rounds.items()]
    reasons = {**found.absent, **found.failed}
    rows += [Row(name, note=reason) for name, reason in reasons.items()]
    by_name = {row.name: row.cells for row in rows}
    return msgspec.structs.replace(
        begun,
        rows=tuple(rows),
        ratios=dict(_ratios(by_name)),
        targets=tuple(_targets(by_name)),
        charts=tuple(_charts(rows)),
        spoiled=tuple(f"{name}: {reason}" for name, reason in found.failed.items()),
    )


def _row(name: str, rounds: Sequence[Figures], found: Found) -> Row:
    first = rounds[0]
    cells: dict[str, Cell] = {
        USER.name: first.user_bytes_per_stream,
        KERNEL.name: first.kernel_bytes_per_stream,
        CONNECTS.name: _median(each.connects_per_second for each in rounds),
        SUBSCRIBE.name: _median(each.subscribe_us for each in rounds),
    }
    note = MEANINGS.get(name, "")
    if name == EACH:
        note = f"an environment of {FEW_FEATURES} features for each stream"
        alone = found.rounds.get(FH, [first])[0].user_bytes_per_stream
        both = first.user_bytes_per_stream
        if alone is not None and both is not None and FH in found.rounds:
            cells[ENVIRONMENT.name] = both - alone
    if first.streams == MOST_STREAMS.get(name):
        note += f"; it got {first.streams:,} streams only, more would take too long"
    return Row(name, cells, note)


def _ratios(cells: Mapping[str, Mapping[str, Cell]]) -> Iterator[tuple[str, float]]:
    mine = cells.get(FH, {})
    for name, theirs in cells.items():
        if name in {FH, EACH}:
            continue
        for kind, column in (("memory", USER), ("subscribe", SUBSCRIBE)):
            one, other = mine.get(column.name), theirs.get(column.name)
            if isinstance(one, int | float) and isinstance(other, int | float) and other > 0:
                yield f"{kind}_vs_{name}", one / other


def _targets(cells: Mapping[str, Mapping[str, Cell]]) -> Iterator[Target]:
    for text, name, column, limit in (
        ("user memory of a stream, bytes", FH, USER, MOST_BYTES_A_STREAM),
        ("processor time of a subscribe, µs", FH, SUBSCRIBE, MOST_SUBSCRIBE_US),
        ("user memory of an environment, bytes", EACH, ENVIRONMENT, MOST_BYTES_AN_ENVIRONMENT),
    ):
        if name in cells:
            measured = cells[name].get(column.name)
            yield Target(text, measured if isinstance(measured, int | float) else None, limit)


def _charts(rows: Sequence[Row]) -> Iterator[Chart]:
    measured = [row for row in rows if row.cells]
    names = tuple(row.name for row in measured)
    for title, unit, column in (
        ("User memory of a stream", "bytes", USER),
        ("Processor time of a subscribe", "µs", SUBSCRIBE),
        ("Connects a second", "", CONNECTS),
    ):
        values = tuple(row.cells.get(column.name) for row in measured)
        figures = tuple(None if isinstance(each, str) else each for each in values)
        if any(each is not None for each in figures):
            line = Line(column.name, names, figures)
            yield Chart(title, "", unit, (line,), logarithmic=column is USER)


def _median(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
