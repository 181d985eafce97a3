"""What the contestants of fanout did, as a result: columns, ratios, targets, charts."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from bench.load.trial import PERCENTS, Figures
from bench.peers.lineup import EVALUATING, FH, MEANINGS, MOST_STREAMS, PEERS, versions
from bench.result import (
    Better,
    Cell,
    Chart,
    Column,
    Line,
    Result,
    Row,
    Target,
    begin_result,
)

MOST_BYTES_A_STREAM: Final = 1_024
MOST_BYTES_AN_ENVIRONMENT: Final = 2_048
MOST_TIMES_C: Final = 1.35
MOST_TIMES_NCHAN: Final = 0.75
MOST_LAST_TIMES_C: Final = 1.4
BUSY_CLIENT_SHARE: Final = 0.9
"""From here on the client, not the server, may have set the pace."""

_HALF = 0.5
_DEVIATIONS = 4
"""Beyond them one run in 16,000 would be, were the buckets dice; they are the same in each."""

_FEW_ENVIRONMENTS = 100
"""Up to so many an event in each is few events; the targets of a delivery are made for those."""

USER = Column("user B", "growth of the server's user memory, a stream", "bytes", Better.LOWER)
KERNEL = Column(
    "kernel B",
    "growth of the kernel's slabs and socket buffers, both ends of a connection",
    "bytes a stream",
    Better.LOWER,
)
CONNECTS = Column("connects/s", "streams opened a second", "", Better.HIGHER)
SUBSCRIBE = Column(
    "subscribe µs",
    "processor time of the server from accept to the first features",
    "µs a stream",
    Better.LOWER,
    1,
)
PUBLISH = Column(
    "publish µs",
    "processor time of an event in an environment that nobody listens to",
    "µs",
    Better.LOWER,
    1,
)
DELIVERY = Column(
    "delivery µs",
    "user and system time of the server, publishing included: the median of the events",
    "µs a delivery",
    Better.LOWER,
    2,
)
MIDDLE = Column("50 % ms", "from publishing to receipt, half of all deliveries", "ms", decimals=1)
MOST = Column("99 % ms", "the same, 99 % of all deliveries", "ms", Better.LOWER, 1)
LAST = Column("100 % ms", "the same, the last of all deliveries", "ms", Better.LOWER, 1)
PACE = Column("deliveries/s", "deliveries a second of an event or a burst", "", Better.HIGHER)
SIZE = Column("B", "bytes that arrived, a delivery", "bytes")
MISSING = Column("missing", "deliveries that never arrived", "", Better.LOWER)
BUSY = Column("client %", "the load client's processor time as a share of the fan-out", "%")

COLUMNS: Final = (
    *(USER, KERNEL, CONNECTS, SUBSCRIBE, PUBLISH, DELIVERY),
    *(MIDDLE, MOST, LAST, PACE, SIZE, MISSING, BUSY),
)


@dataclass(slots=True)
class Found:
    """Everybody's figures; why others took no part, or should have and could not."""

    figures: list[Figures] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def as_result(found: Found, *, options: Mapping[str, Cell], names: Sequence[str]) -> Result:
    """Return the result of a run."""
    begun = begin_result(
        "fanout",
        "what does a delivery cost, and when does the last stream have it?",
        options=options,
        columns=COLUMNS,
        versions=versions(names),
    )
    reasons = {**found.absent, **found.failed}
    rows = [_row(each) for each in found.figures]
    rows += [Row(name, note=reason) for name, reason in reasons.items()]
    serious = [each for each in found.figures if each.name not in PEERS]
    return msgspec.structs.replace(
        begun,
        rows=tuple(rows),
        ratios=dict(ratios(found.figures)),
        targets=tuple(_targets(found.figures, options)),
        charts=tuple(_charts(found.figures)),
        remarks=tuple(_remarks(found.figures, names)),
        spoiled=(
            *(text for each in serious if (text := spoilt(each))),
            *(f"{name}: {reason}" for name, reason in found.failed.items()),
        ),
    )


def ratios(figures: Sequence[Figures]) -> Iterator[tuple[str, float]]:
    """Yield how fh's figures relate to each other's, and server- to client-evaluated streams'."""
    by_name = {each.name: each for each in figures}
    mine = by_name.get(FH)
    for name, theirs in by_name.items():
        if mine is None or name in {FH, EVALUATING}:
            continue
        pairs = {
            "cpu": _of_rounds(mine.round_processor_us, theirs.round_processor_us),
            "memory": _of(mine.user_bytes_per_stream, theirs.user_bytes_per_stream),
        }
        if mine.streams == theirs.streams:
            pairs["last"] = _of_rounds(mine.round_last_ms, theirs.round_last_ms)
        for kind, ratio in pairs.items():
            if ratio is not None:
                yield f"{kind}_vs_{name}", ratio
    if (
        mine is not None
        and (evaluating := by_name.get(EVALUATING))
        and (ratio := _of_rounds(evaluating.round_processor_us, mine.round_processor_us))
    ):
        yield "cpu_server_vs_client", ratio


def spoilt(figures: Figures) -> str:
    """Return what makes one's figures worthless, or nothing."""
    faults = {
        "missing": figures.missing,
        "twice": figures.duplicates,
        "of another environment or context": figures.wrong_outcomes,
        "streams ended": figures.ended_streams,
    }
    told = [f"{count:,} {what}" for what, count in faults.items() if count]
    if _is_unlikely(figures):
        told.append(f"the strategy of 50 % reached {figures.by_strategy:.1%} of the streams")
    return f"{figures.name}: {', '.join(told)}: the figures don't count" if told else ""


def _row(figures: Figures) -> Row:
    notes = [MEANINGS.get(figures.name, "")]
    if figures.streams == MOST_STREAMS.get(figures.name):
        notes.append(f"it got {figures.streams:,} streams only, more would take too long")
    if figures.name in PEERS and (fault := spoilt(figures)):
        notes.append(fault.partition(": ")[2])
    return Row(figures.name, _cells(figures), "; ".join(filter(None, notes)))


def _cells(figures: Figures) -> dict[str, Cell]:
    busy = figures.client_share
    return {
        USER.name: figures.user_bytes_per_stream,
        KERNEL.name: figures.kernel_bytes_per_stream,
        CONNECTS.name: figures.connects_per_second,
        SUBSCRIBE.name: figures.subscribe_us,
        PUBLISH.name: figures.publish_us,
        DELIVERY.name: figures.processor_us,
        MIDDLE.name: figures.latency_50_ms,
        MOST.name: figures.latency_99_ms,
        LAST.name: figures.latency_100_ms,
        PACE.name: figures.deliveries_per_second,
        SIZE.name: figures.bytes_per_delivery,
        MISSING.name: figures.missing,
        BUSY.name: None if busy is None else busy * 100,
    }


def _targets(figures: Sequence[Figures], options: Mapping[str, Cell]) -> Iterator[Target]:
    mine = next((each for each in figures if each.name == FH), None)
    if mine is None:
        return
    found = dict(ratios(figures))
    environments = int(options["environments"] or 1)
    each = environments / max(1, mine.streams)
    extra = MOST_BYTES_AN_ENVIRONMENT * each if environments > 1 else 0
    what = "user memory of a stream" + (" with its part of an environment" if extra else "")
    yield Target(f"{what}, bytes", mine.user_bytes_per_stream, MOST_BYTES_A_STREAM + extra)
    if environments > _FEW_ENVIRONMENTS or options.get("spacing") == "back to back":
        return
    for name, limit in (
        ("cpu_vs_c", MOST_TIMES_C),
        ("cpu_vs_nchan", MOST_TIMES_NCHAN),
        ("last_vs_c", MOST_LAST_TIMES_C),
    ):
        yield Target(name, found.get(name), limit)


def _remarks(figures: Sequence[Figures], names: Sequence[str]) -> Iterator[str]:
    for each in figures:
        if each.by_strategy is not None:
            yield (
                f"{each.name}: {each.by_strategy:.1%} of the deliveries had the value of the "
                "50 % strategy"
            )
        if each.superseded:
            yield (
                f"{each.name}: {each.superseded:,} deliveries did not take place, "
                "a newer event had taken their place"
            )
        if each.client_share is not None and each.client_share > BUSY_CLIENT_SHARE:
            yield (
                f"{each.name}: the load client was busy {each.client_share:.0%} of the fan-out, it "
                "may have set the pace: believe the processor time, not the latencies"
            )
    if "nchan" in names:
        yield (
            "nchan is published to over its HTTP endpoint, pipelined on one connection: its "
            "publish µs is part of its delivery µs, once for each environment"
        )


def _charts(figures: Sequence[Figures]) -> Iterator[Chart]:
    names = tuple(each.name for each in figures)
    if not names:
        return
    yield Chart(
        "Processor time of a delivery",
        "",
        "µs",
        (Line("delivery", names, tuple(each.processor_us for each in figures)),),
    )
    yield Chart(
        "User memory of a stream",
        "",
        "bytes",
        (Line("memory", names, tuple(each.user_bytes_per_stream for each in figures)),),
        logarithmic=True,
    )
    yield Chart(
        "When the deliveries have arrived",
        "% of the deliveries",
        "ms after publishing",
        tuple(
            Line(each.name, PERCENTS, each.latencies_ms) for each in figures if each.latencies_ms
        ),
        logarithmic=True,
    )
    yield Chart(
        "Processor time of a delivery, round by round",
        "round",
        "µs",
        tuple(
            Line(
                each.name,
                tuple(range(1, len(each.round_processor_us) + 1)),
                each.round_processor_us,
            )
            for each in figures
            if each.round_processor_us
        ),
    )


def _of(mine: float | None, theirs: float | None) -> float | None:
    return mine / theirs if mine is not None and theirs is not None and theirs > 0 else None


def _of_rounds(mine: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return the median of how both relate in each round."""
    found = [one / other for one, other in zip(mine, theirs, strict=False) if other]
    return statistics.median(found) if found else None


def _is_unlikely(figures: Figures) -> bool:
    """Return whether the strategy's share is out of what chance explains."""
    if figures.by_strategy is None or not figures.streams:
        return False
    return abs(figures.by_strategy - _HALF) > _DEVIATIONS * _HALF / math.sqrt(figures.streams)
