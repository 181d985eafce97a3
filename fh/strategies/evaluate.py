"""The main loop: the first strategy that a context meets.

Source: section 4.2 of the data plane's contract.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from fh.strategies.conditions import Condition, compile_condition
from fh.strategies.context import Context, default_percentage_key, percentage_key
from fh.strategies.patterns import CutOffs
from fh.strategies.percentage import bucket
from fh.strategies.rule import Rule

BucketOf: TypeAlias = Callable[[str, str], int]


@dataclass(frozen=True, slots=True)
class Matched:
    """The strategy that decides, and its value as the rule had it."""

    strategy_id: str | None
    value: object


@dataclass(frozen=True, slots=True)
class _Strategy:
    outcome: Matched
    percentage_millionths: int | None
    percentage_attributes: tuple[str, ...]
    conditions: tuple[Condition, ...]

    def meets_conditions(self, context: Context, now: datetime) -> bool:
        for condition in self.conditions:  # a loop: all() costs more than most tests
            if not condition.met_by(context.get(condition.field_name, ()), now):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Strategies:
    """The strategies of one feature value in their order, ready to be evaluated."""

    _strategies: tuple[_Strategy, ...]
    _bucket_of: BucketOf

    def evaluate(self, context: Context, value_id: str, now: datetime) -> Matched | None:
        """Return the first match of `context`, `None` if the feature's own value stands.

        Strategies without conditions share out the buckets of their key one after the other;
        those with conditions start at the first bucket each. `value_id` is the id of the feature
        value in lower case; `now` is aware.
        """
        default_key = default_percentage_key(context)
        buckets: dict[str, int] = {}
        given_out: dict[str, int] = {}  # millionths of each key
        for strategy in self._strategies:
            millionths, conditions = strategy.percentage_millionths, strategy.conditions
            if millionths is not None:
                if strategy.percentage_attributes:
                    key = percentage_key(context, strategy.percentage_attributes)
                elif default_key is not None:
                    key = default_key
                else:
                    key = None
                if key is not None:
                    if key not in buckets:
                        buckets[key] = self._bucket_of(key, value_id)
                    upper = millionths if conditions else given_out.get(key, 0) + millionths
                    if buckets[key] <= upper and strategy.meets_conditions(context, now):
                        return strategy.outcome
                    if not conditions:
                        given_out[key] = upper
            # A percentage of 0 is no percentage as soon as there are conditions.
            if not millionths and conditions and strategy.meets_conditions(context, now):
                return strategy.outcome
        return None


def compile_strategies(
    rules: Iterable[Rule], cut_offs: CutOffs, bucket_of: BucketOf = bucket
) -> Strategies:
    """Return `rules`, in this order, with everything in them parsed once."""
    return Strategies(tuple(_compile(rule, cut_offs) for rule in rules), bucket_of)


def _compile(rule: Rule, cut_offs: CutOffs) -> _Strategy:
    return _Strategy(
        Matched(rule.strategy_id, rule.value),
        rule.percentage_millionths,
        rule.percentage_attributes,
        tuple(
            compile_condition(spec.field_name, spec.conditional, spec.type, spec.values, cut_offs)
            for spec in rule.conditions
        ),
    )
