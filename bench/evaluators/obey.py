"""The contestant's side: orders on stdin, reports on stdout, and the timed loop between them.

    {"load": CASE}                        build everything of the case
    {"outcomes": NAME}                    what comes of each input
    {"time": NAME, "seconds": 0.05}       whole passes over the inputs until the time is over
    {"build": NAME, "times": 20}          build the strategies anew, and evaluate once

Nothing but the standard library is imported: the SDK's interpreter runs this, too.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

_LEAST_PASS = 1_000
"""Evaluations in a pass: so many that reading the clock after it does not count."""

BuiltT = TypeVar("BuiltT")
ContextT = TypeVar("ContextT")


class Evaluator(Protocol[BuiltT, ContextT]):
    """How one implementation is used. `passing` is a plain loop, so that nothing else is timed."""

    def build(self, strategies: Sequence[Mapping[str, Any]]) -> BuiltT:
        """Return the strategies ready to be evaluated."""
        ...

    def context(self, attributes: Mapping[str, Sequence[str]]) -> ContextT:
        """Return a client's context."""
        ...

    def outcome(self, built: BuiltT, value_id: str, context: ContextT) -> tuple[bool, Any]:
        """Return whether a strategy matched, and its value."""
        ...

    def one_pass(self, inputs: Sequence[tuple[BuiltT, str, ContextT]]) -> None:
        """Evaluate every input once."""
        ...


class _Loaded(Generic[BuiltT, ContextT]):
    """A case, built."""

    def __init__(self, evaluator: Evaluator[BuiltT, ContextT], case: Mapping[str, Any]) -> None:
        self._evaluator = evaluator
        self._case = case
        self.cold_ns = self._time_first()
        built = [evaluator.build(strategies) for strategies in case["strategies"]]
        self.inputs = [
            (built[each["strategies"]], each["value_id"], evaluator.context(each["context"]))
            for each in case["inputs"]
        ]
        self.one_pass = self.inputs * -(-_LEAST_PASS // len(self.inputs))

    def outcomes(self) -> list[tuple[bool, Any] | None]:
        """Return what comes of each input; None where the evaluator raises."""
        found: list[tuple[bool, Any] | None] = []
        for built, value_id, context in self.inputs:
            try:
                found.append(self._evaluator.outcome(built, value_id, context))
            except Exception:  # noqa: BLE001 whatever it is, it is no outcome
                found.append(None)
        return found

    def time(self, seconds: float) -> tuple[int, int]:
        """Return the nanoseconds of processor time and the evaluations of some whole passes."""
        passes = 0
        deadline = time.perf_counter() + seconds
        start_ns = time.process_time_ns()
        while True:
            self._evaluator.one_pass(self.one_pass)
            passes += 1
            if time.perf_counter() >= deadline:
                return time.process_time_ns() - start_ns, passes * len(self.one_pass)

    def time_build(self, times: int) -> tuple[list[float], list[int]]:
        """Return the nanoseconds of building, for one list of strategies, and with the first."""
        build_ns: list[float] = []
        for _ in range(times):
            start_ns = time.perf_counter_ns()
            for strategies in self._case["strategies"]:
                self._evaluator.build(strategies)
            build_ns.append((time.perf_counter_ns() - start_ns) / len(self._case["strategies"]))
        return build_ns, [self._time_first() for _ in range(times)]

    def _time_first(self) -> int:
        """Return the nanoseconds from decoded strategies to the first outcome."""
        first = self._case["inputs"][0]
        strategies = self._case["strategies"][first["strategies"]]
        context = self._evaluator.context(first["context"])
        start_ns = time.perf_counter_ns()
        self._evaluator.one_pass([(self._evaluator.build(strategies), first["value_id"], context)])
        return time.perf_counter_ns() - start_ns


def obey(evaluator: Evaluator[BuiltT, ContextT], version: str) -> None:
    """Introduce the evaluator, then obey until stdin ends."""
    loaded: dict[str, _Loaded[BuiltT, ContextT]] = {}
    interpreter = f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}"
    _say({"version": version, "interpreter": interpreter})
    for line in sys.stdin:
        order = json.loads(line)
        if case := order.get("load"):
            loaded[case["name"]] = _Loaded(evaluator, case)
            _say({"cold_ns": loaded[case["name"]].cold_ns})
        elif name := order.get("outcomes"):
            _say({"outcomes": loaded[name].outcomes()})
        elif name := order.get("time"):
            took_ns, evaluations = loaded[name].time(order["seconds"])
            _say({"ns": took_ns, "evaluations": evaluations})
        else:
            build_ns, first_ns = loaded[order["build"]].time_build(order["times"])
            _say({"build_ns": build_ns, "first_ns": first_ns})


def _say(report: Mapping[str, Any]) -> None:
    print(json.dumps(report), flush=True)
