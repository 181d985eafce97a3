"""A run of the evaluation bench as tables and as JSON."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from bench.evaluators.rounds import Row, Timing
from bench.load.process import Machine
from bench.text import aligned, machine_line

LEAST_TIMES_FASTER = 5.0
"""How many times as fast as the Python SDK's evaluator fh's has to be, in each case."""

_UNKNOWN = "-"
_LEGEND = """\
µs           processor time of one evaluation, the median of the rounds, in a process of its own
python / fh  their ratio, round by round: the median, and the least and the most
inputs       strategies and contexts; for so many of them as matched a strategy decides
build        from decoded strategies to what is evaluated: fh compiles, Python wraps, Node does not
first        the same and one evaluation, everything else warm
cold         the same when the process has never evaluated the case; these three are wall time
pays after   evaluations after which fh has made up for its build; 0 where it is ahead at once"""


@dataclass(frozen=True, slots=True)
class Target:
    """One case that has to be fast enough; `reached` is None when it was not measured."""

    case: str
    measured: float | None
    least: float = LEAST_TIMES_FASTER

    @property
    def reached(self) -> bool | None:
        """Whether it was reached."""
        return None if self.measured is None else self.measured >= self.least


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything one run found; `absent` says why an evaluator took no part."""

    machine: Machine
    at: datetime
    versions: Mapping[str, str]
    absent: Mapping[str, str]
    rows: tuple[Row, ...]

    @property
    def targets(self) -> tuple[Target, ...]:
        """What fh has to reach."""
        return tuple(
            Target(row.case, statistics.median(ratios) if ratios else None)
            for row in self.rows
            for ratios in (row.ratios("python", "fh"),)
        )


def as_text(comparison: Comparison) -> str:
    """Return the comparison as people read it."""
    names = list(comparison.versions)
    parts = [machine_line(comparison.machine)]
    parts += [f"{name}: {version}" for name, version in comparison.versions.items()]
    parts += [f"{name}: {reason}" for name, reason in comparison.absent.items()]
    headings = ("case", "inputs", "matched", *(f"{name} µs" for name in names))
    ratios = [f"{name} / fh" for name in names if name != "fh" and "fh" in names]
    parts += ["", aligned([(*headings, *ratios), *(_row(row, names) for row in comparison.rows)])]
    building = ("case", "evaluator", "build µs", "first µs", "cold µs", "pays after")
    parts += ["", aligned([building, *_building(comparison.rows)]), ""]
    parts += [
        f"{row.case}: {row.left_out} left out, the evaluators contradict each other"
        for row in comparison.rows
        if row.left_out
    ]
    parts += map(_target_line, comparison.targets)
    return "\n".join([*parts, "", _LEGEND])


def as_json(comparison: Comparison) -> str:
    """Return the comparison as a JSON document."""
    return json.dumps(
        {
            "bench": "evaluate",
            "at": comparison.at.astimezone(UTC).isoformat(),
            "machine": asdict(comparison.machine),
            "versions": dict(comparison.versions),
            "absent": dict(comparison.absent),
            "cases": [
                {
                    **asdict(row),
                    "timings": [{**asdict(each), "us": each.us} for each in row.timings],
                    "ratios": {
                        f"{name}/fh": row.ratios(name, "fh")
                        for name in comparison.versions
                        if name != "fh"
                    },
                }
                for row in comparison.rows
            ],
            "targets": [
                {**asdict(target), "reached": target.reached} for target in comparison.targets
            ],
        },
        indent=2,
    )


def _row(row: Row, names: Sequence[str]) -> tuple[str, ...]:
    cells = [row.case, str(row.inputs), str(row.matched)]
    cells += [f"{timing.us:.3f}" if (timing := row.timing(name)) else _UNKNOWN for name in names]
    for name in names:
        if name != "fh" and "fh" in names:
            ratios = row.ratios(name, "fh")
            middle = statistics.median(ratios)
            cells.append(f"{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return tuple(cells)


def _building(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for row in rows:
        for place, timing in enumerate(row.timings):
            lines.append(
                (
                    "" if place else row.case,
                    timing.name,
                    f"{timing.build_us:.1f}",
                    f"{timing.first_us:.1f}",
                    f"{timing.cold_us:.1f}",
                    _pays_after(row, timing),
                )
            )
    return lines


def _pays_after(row: Row, timing: Timing) -> str:
    """Return after how many evaluations fh is ahead of `timing`, building included."""
    fh = row.timing("fh")
    if fh is None or timing is fh:
        return ""
    gain_us = timing.us - fh.us
    behind_us = fh.build_us - timing.build_us
    if behind_us <= 0:
        return "0" if gain_us >= 0 else _UNKNOWN
    return f"{behind_us / gain_us:.0f}" if gain_us > 0 else "never"


def _target_line(target: Target) -> str:
    if target.measured is None:
        return f"not measured: {target.case}, at least {target.least:g} times the Python SDK's pace"
    verdict = "reached" if target.reached else "MISSED"
    return (
        f"{verdict}: {target.case}: {target.measured:.2f} times as fast as the Python SDK, "
        f"at least {target.least:g}"
    )
