"""fh's evaluator as a contestant: strategies are compiled once, as Edge does for each value."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from bench.evaluators.obey import obey
from fh.strategies.context import Context
from fh.strategies.evaluate import Strategies, compile_strategies
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import ConditionSpec, Rule


class FhEvaluator:
    """See `Evaluator`. Edge reads the clock only for rules on the time; here are none."""

    def __init__(self) -> None:
        self._cut_offs = CutOffs()

    def build(self, strategies: Sequence[Mapping[str, Any]]) -> Strategies:
        """Compile the strategies of one feature value."""
        return compile_strategies(map(_rule, strategies), self._cut_offs)

    def context(self, attributes: Mapping[str, Sequence[str]]) -> Context:
        """Return a context as the codec of the header makes it."""
        return {name: tuple(values) for name, values in attributes.items()}

    def outcome(self, built: Strategies, value_id: str, context: Context) -> tuple[bool, Any]:
        """Return whether a strategy matched, and its value."""
        found = built.evaluate(context, value_id, datetime.now(UTC))
        return (False, None) if found is None else (True, found.value)

    def one_pass(self, inputs: Sequence[tuple[Strategies, str, Context]]) -> None:
        """Evaluate every input once."""
        now = datetime.now(UTC)
        for strategies, value_id, context in inputs:
            strategies.evaluate(context, value_id, now)


def _rule(strategy: Mapping[str, Any]) -> Rule:
    return Rule(
        strategy.get("id"),
        strategy.get("value"),
        strategy.get("percentage"),
        tuple(strategy.get("percentageAttributes") or ()),
        tuple(
            ConditionSpec(
                each["fieldName"], each["conditional"], each["type"], tuple(each["values"])
            )
            for each in strategy.get("attributes") or ()
        ),
    )


if __name__ == "__main__":
    obey(FhEvaluator(), f"fh {version('fh')}")
