"""Outcomes compared, then rounds that take turns, so that what else the machine does hits all."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.evaluators.cases import Case
from bench.evaluators.contestant import Contestant, Outcome

_BUILDS = 20


class OutcomesDiffer(Exception):
    """Evaluators contradict each other; figures of different work would mean nothing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What one evaluator needed for one case, in microseconds.

    `round_us` is the processor time of an evaluation, one figure a round; `build_us` and
    `first_us` are medians of strategies built anew, without and with their first evaluation;
    `cold_us` is the very first.
    """

    name: str
    round_us: tuple[float, ...]
    build_us: float
    first_us: float
    cold_us: float

    @property
    def us(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.round_us)


@dataclass(frozen=True, slots=True)
class Row:
    """A case with its timings; `matched` inputs had a strategy, `left_out` had no one outcome."""

    case: str
    text: str
    inputs: int
    matched: int
    left_out: int
    timings: tuple[Timing, ...]

    def timing(self, name: str) -> Timing | None:
        """Return the timing of an evaluator, `None` if it did not take part."""
        return next((timing for timing in self.timings if timing.name == name), None)

    def ratios(self, one: str, other: str) -> tuple[float, ...]:
        """Return how often `one` needs the time of `other`, round by round."""
        mine, theirs = self.timing(one), self.timing(other)
        if mine is None or theirs is None:
            return ()
        return tuple(a / b for a, b in zip(mine.round_us, theirs.round_us, strict=True))


@dataclass(frozen=True, slots=True)
class Verified:
    """A case whose inputs have one outcome everywhere."""

    case: Case
    matched: int
    left_out: int
    cold_us: dict[str, float]


def verified(
    case: Case, contestants: Sequence[Contestant], *, only_agreed: bool = False
) -> Verified:
    """Load `case` everywhere and compare the outcomes; with `only_agreed`, keep what is equal.

    Raises:
        OutcomesDiffer: two evaluators contradict each other, or one raised.
    """
    cold_us = {each.name: each.load(case) / 1e3 for each in contestants}
    found = list(zip(*(each.outcomes(case.name) for each in contestants), strict=True))
    agreed = [index for index, outcomes in enumerate(found) if _equal(outcomes)]
    if len(agreed) < len(found):
        if not only_agreed or not agreed:
            index = next(index for index, outcomes in enumerate(found) if not _equal(outcomes))
            said = {each.name: one for each, one in zip(contestants, found[index], strict=True)}
            raise OutcomesDiffer(f"{case.name}, input {index}, {case.inputs[index]}: {said}")
        case = _restricted(case, agreed)
        for each in contestants:
            each.load(case)
    matched = sum(outcome is not None and outcome[0] for outcome in (found[i][0] for i in agreed))
    return Verified(case, matched, len(found) - len(agreed), cold_us)


def played(
    checked: Sequence[Verified],
    contestants: Sequence[Contestant],
    *,
    rounds: int,
    seconds: float,
    tell: Callable[[str], None],
) -> tuple[Row, ...]:
    """Time every case on every contestant, `seconds` at a time, `rounds` times after a warm-up."""
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds + 1):
        tell(f"round {number} of {rounds}" if number else "warm-up")
        for each in checked:
            # Whoever comes first in a round comes last in the next.
            turn = contestants if number % 2 else tuple(reversed(contestants))
            for contestant in turn:
                took_us = contestant.time(each.case.name, seconds) / 1e3
                if number:
                    times.setdefault((each.case.name, contestant.name), []).append(took_us)
    tell("building")
    return tuple(
        Row(
            each.case.name,
            each.case.text,
            len(each.case.inputs),
            each.matched,
            each.left_out,
            tuple(
                _timing(contestant, each, times[each.case.name, contestant.name])
                for contestant in contestants
            ),
        )
        for each in checked
    )


def _timing(contestant: Contestant, checked: Verified, round_us: Sequence[float]) -> Timing:
    build_ns, first_ns = contestant.time_build(checked.case.name, _BUILDS)
    return Timing(
        contestant.name,
        tuple(round_us),
        statistics.median(build_ns) / 1e3,
        statistics.median(first_ns) / 1e3,
        checked.cold_us[contestant.name],
    )


def _equal(outcomes: Sequence[Outcome]) -> bool:
    return outcomes[0] is not None and all(outcome == outcomes[0] for outcome in outcomes)


def _restricted(case: Case, indices: Sequence[int]) -> Case:
    kept = [case.inputs[index] for index in indices]
    return replace(
        case,
        strategies=tuple(case.strategies[each.strategies] for each in kept),
        inputs=tuple(replace(each, strategies=place) for place, each in enumerate(kept)),
    )
