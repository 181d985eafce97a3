"""A run of the fan-out bench as an aligned table and as JSON."""

import json
import math
import statistics
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from bench.load.process import Machine
from bench.load.trial import Figures
from bench.text import aligned, machine_line

MOST_BYTES_PER_STREAM = 1_024
MOST_TIMES_PYTHON = 1.25
BUSY_CLIENT_SHARE = 0.9
"""From here on the client, not the server, may have set the pace."""

_HALF = 0.5
_DEVIATIONS = 4
"""Beyond them one run in 16,000 would be, were the buckets dice; they are the same in each."""

_PAIRS = (
    ("fh", "python"),
    ("python", "c"),
    ("fh", "c"),
    ("fh server", "fh"),
    ("fh server", "python"),
)
_UNKNOWN = "-"
_HEADINGS = (
    "server",
    "user B/stream",
    "kernel B/stream",
    "connects/s",
    "CPU µs/subscribe",
    "CPU µs/delivery",
    "50 % ms",
    "99 %",
    "100 %",
    "B/delivery",
    "missing",
    "client busy",
)


_LEGEND = """\
user B/stream    growth of the server's resident memory
kernel B/stream  growth of the kernel's slabs and socket buffers, for both ends of a connection
CPU µs/subscribe user and system time of the server for a stream, from accept to first features
CPU µs/delivery  user and system time of the server, the median of the events
50, 99, 100 %    from the order to publish to the receipt, over all deliveries of all events
client busy      the load client's processor time as a share of the fan-out
fh server        each stream is another user, for whom Edge evaluates a strategy of 50 %"""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to reach; `reached` is None when it was not measured."""

    text: str
    measured: float | None
    most: float

    @property
    def reached(self) -> bool | None:
        """Whether it was reached."""
        return None if self.measured is None else self.measured <= self.most


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one run found."""

    machine: Machine
    at: datetime
    payload_bytes: int
    figures: tuple[Figures, ...]

    def ratio(self, one: str, other: str) -> tuple[float, ...]:
        """Return how often `one` needs the processor time of `other`, round by round."""
        found = {figures.name: figures.round_processor_us for figures in self.figures}
        return tuple(
            mine / theirs
            for mine, theirs in zip(found.get(one, ()), found.get(other, ()), strict=False)
            if theirs
        )

    @property
    def targets(self) -> tuple[Target, Target]:
        """What fh has to reach."""
        weight = next(
            (each.user_bytes_per_stream for each in self.figures if each.name == "fh"), None
        )
        rounds = self.ratio("fh", "python")
        times = statistics.median(rounds) if rounds else None
        return (
            Target("user memory of a stream, bytes", weight, MOST_BYTES_PER_STREAM),
            Target(
                "processor time of a delivery, times the bare Python broadcaster's",
                times,
                MOST_TIMES_PYTHON,
            ),
        )

    @property
    def complete(self) -> bool:
        """Whether each delivery arrived, exactly once, on a stream that stayed open."""
        return not any(map(_spoilt, self.figures))


def as_text(report: Report) -> str:
    """Return the report as people read it."""
    measured = [each for each in report.figures if not each.note]
    parts = [machine_line(report.machine), ""]
    if measured:
        parts += [aligned([_HEADINGS, *map(_row, measured)]), ""]
    parts += [f"{each.name}: {each.note}" for each in report.figures if each.note]
    parts += _ratio_lines(report)
    parts += [
        (
            f"{each.name}: {each.missing} missing, {each.duplicates} twice, "
            f"{each.wrong_outcomes} of the wrong value, {each.ended_streams} streams ended: "
            "the figures don't count"
        )
        for each in measured
        if _spoilt(each)
    ]
    parts += [
        f"{each.name}: {each.by_strategy:.1%} of the deliveries had the value of the 50 % strategy"
        for each in measured
        if each.by_strategy is not None
    ]
    parts += [
        (
            f"{each.name}: the load client was busy {each.client_share:.0%} of the fan-out, "
            "it may have set the pace: believe the processor time, not the latencies"
        )
        for each in measured
        if each.client_share is not None and each.client_share > BUSY_CLIENT_SHARE
    ]
    parts += map(_target_line, report.targets)
    parts += ["", _LEGEND]
    return "\n".join(parts)


def as_json(report: Report) -> str:
    """Return the report as a JSON document."""
    return json.dumps(
        {
            "bench": "fanout",
            "at": report.at.astimezone(UTC).isoformat(),
            "machine": asdict(report.machine),
            "payload_bytes": report.payload_bytes,
            "servers": [asdict(each) for each in report.figures],
            "ratios": {f"{one}/{other}": report.ratio(one, other) for one, other in _PAIRS},
            "targets": [{**asdict(target), "reached": target.reached} for target in report.targets],
            "complete": report.complete,
        },
        indent=2,
    )


def _spoilt(figures: Figures) -> bool:
    """Return whether a delivery was lost, came twice, or was not what it had to be."""
    return bool(
        figures.missing
        or figures.duplicates
        or figures.ended_streams
        or figures.wrong_outcomes
        or _is_unlikely(figures)
    )


def _is_unlikely(figures: Figures) -> bool:
    """Return whether the strategy's share is out of what chance explains."""
    if figures.by_strategy is None or not figures.streams:
        return False
    return abs(figures.by_strategy - _HALF) > _DEVIATIONS * _HALF / math.sqrt(figures.streams)


def _row(figures: Figures) -> tuple[str, ...]:
    return (
        figures.name,
        _number(figures.user_bytes_per_stream, 0),
        _number(figures.kernel_bytes_per_stream, 0),
        _number(figures.connects_per_second, 0),
        _number(figures.subscribe_us, 1),
        _number(figures.processor_us, 2),
        _number(figures.latency_50_ms, 1),
        _number(figures.latency_99_ms, 1),
        _number(figures.latency_100_ms, 1),
        _number(figures.bytes_per_delivery, 0),
        str(figures.missing),
        _UNKNOWN if figures.client_share is None else f"{figures.client_share:.0%}",
    )


def _number(value: float | None, decimals: int) -> str:
    return _UNKNOWN if value is None else f"{value:,.{decimals}f}"


def _ratio_lines(report: Report) -> list[str]:
    lines = []
    for one, other in _PAIRS:
        if rounds := report.ratio(one, other):
            lines.append(
                f"{one} / {other}: {statistics.median(rounds):.2f} times the processor time "
                f"(rounds: {min(rounds):.2f} to {max(rounds):.2f})"
            )
    return lines


def _target_line(target: Target) -> str:
    if target.measured is None:
        return f"not measured: {target.text}, at most {target.most:g}"
    verdict = "reached" if target.reached else "MISSED"
    return f"{verdict}: {target.text}: {target.measured:.2f}, at most {target.most:g}"
