"""A run of the evaluation bench as a result."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from bench.evaluators.rounds import Row as Played
from bench.evaluators.rounds import Timing
from bench.result import Better, Cell, Chart, Column, Line, Result, Row, Target, begin_result

LEAST_TIMES_FASTER: Final = 5.0
"""How many times as fast as the Python SDK's evaluator fh's has to be, in each case."""

COLUMNS: Final = (
    Column(
        "µs",
        "processor time of one evaluation, the median of the rounds, in a process of its own",
        "µs",
        Better.LOWER,
        3,
    ),
    Column("times fh", "how often that needs fh's time: the median of the rounds", decimals=2),
    Column("least", "the round with the least", decimals=2),
    Column("most", "the round with the most", decimals=2),
    Column(
        "build µs",
        "from decoded strategies to what is evaluated: fh compiles, Python wraps, Node does not",
        "µs of wall time",
        Better.LOWER,
        1,
    ),
    Column(
        "first µs",
        "the same and one evaluation, everything else warm",
        "µs of wall time",
        Better.LOWER,
        1,
    ),
    Column(
        "cold µs",
        "the same when the process has never evaluated the case",
        "µs of wall time",
        Better.LOWER,
        1,
    ),
    Column(
        "pays after",
        "evaluations after which fh has made up for its build; 0 where it is ahead at once",
    ),
)


def as_result(
    cases: Sequence[Played],
    *,
    versions: Mapping[str, str],
    absent: Mapping[str, str],
    options: Mapping[str, Cell],
) -> Result:
    """Return the result of a run; `absent` says why an evaluator took no part."""
    begun = begin_result(
        "evaluate",
        "what does an evaluation of strategies cost, beside the SDKs' own?",
        options=options,
        columns=COLUMNS,
        versions=versions,
    )
    rows = [_row(case, timing) for case in cases for timing in case.timings]
    rows += [Row(name, note=reason) for name, reason in absent.items()]
    return msgspec.structs.replace(
        begun,
        rows=tuple(rows),
        ratios=dict(_ratios(cases)),
        targets=tuple(
            Target(
                f"{case.case}: times as fast as the Python SDK",
                _middle(case.ratios("python", "fh")),
                LEAST_TIMES_FASTER,
                at_least=True,
            )
            for case in cases
        ),
        charts=tuple(_charts(cases)),
        remarks=tuple(_remarks(cases)),
    )


def _row(case: Played, timing: Timing) -> Row:
    ratios = case.ratios(timing.name, "fh")
    cells: dict[str, Cell] = {
        "µs": timing.us,
        "build µs": timing.build_us,
        "first µs": timing.first_us,
        "cold µs": timing.cold_us,
    }
    if timing.name != "fh" and ratios:
        cells |= {
            "times fh": _middle(ratios),
            "least": min(ratios),
            "most": max(ratios),
            "pays after": _pays_after(case, timing),
        }
    return Row(f"{case.case}, {timing.name}", cells)


def _ratios(cases: Sequence[Played]) -> Iterator[tuple[str, float]]:
    for case in cases:
        for timing in case.timings:
            middle = _middle(case.ratios("fh", timing.name))
            if timing.name != "fh" and middle is not None:
                yield f"cpu_vs_{timing.name} {case.case}", middle


def _charts(cases: Sequence[Played]) -> Iterator[Chart]:
    names = tuple(dict.fromkeys(timing.name for case in cases for timing in case.timings))
    lines = tuple(
        Line(
            name,
            tuple(case.case for case in cases),
            tuple(timing.us if (timing := case.timing(name)) else None for case in cases),
        )
        for name in names
    )
    yield Chart("Processor time of an evaluation", "", "µs", lines, logarithmic=True)


def _remarks(cases: Sequence[Played]) -> Iterator[str]:
    for case in cases:
        yield (
            f"{case.case}: {case.text}; {case.inputs} inputs, for {case.matched} of them a "
            "strategy decides"
        )
        if case.left_out:
            yield f"{case.case}: {case.left_out} left out, the evaluators contradict each other"


def _middle(ratios: Sequence[float]) -> float | None:
    return statistics.median(ratios) if ratios else None


def _pays_after(case: Played, timing: Timing) -> Cell:
    """Return after how many evaluations fh is ahead of `timing`, building included."""
    fh = case.timing("fh")
    if fh is None:
        return None
    gain_us = timing.us - fh.us
    behind_us = fh.build_us - timing.build_us
    if behind_us <= 0:
        return 0 if gain_us >= 0 else None
    return round(behind_us / gain_us) if gain_us > 0 else "never"
