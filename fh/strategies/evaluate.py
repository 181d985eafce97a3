"""The main loop: the first strategy that a context meets.

What strategies need is decided when they are compiled. Most features share out the buckets of no
key, or once, and then strategies know nothing of each other; only several percentages need an
account of what was given out before.

Source: section 4.2 of the data plane's contract.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from fh.strategies.conditions import Condition, asks_for_now, compile_condition
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


class Strategies(Protocol):
    """The strategies of one feature value in their order, ready to be evaluated."""

    def evaluate(self, context: Context, value_id: str, now: datetime) -> Matched | None:
        """Return the first match of `context`, `None` if the feature's own value stands.

        Strategies without conditions share out the buckets of their key one after the other;
        those with conditions start at the first bucket each. `value_id` is the id of the feature
        value in lower case; `now` is aware.
        """
        ...


def compile_strategies(
    rules: Iterable[Rule], cut_offs: CutOffs, bucket_of: BucketOf = bucket
) -> Strategies:
    """Return `rules`, in this order, with everything in them parsed once."""
    strategies = [
        strategy for rule in rules if (strategy := _compile(rule, cut_offs, bucket_of)) is not None
    ]
    if len(strategies) == 1:
        return strategies[0]
    if sum(isinstance(strategy, _Share) for strategy in strategies) > 1:
        return _Sharing(tuple(strategies), bucket_of)
    return _Independent(tuple(strategies)) if strategies else _Nothing()


def need_time(rules: Iterable[Rule]) -> bool:
    """Return whether what comes of `rules` may depend on the time."""
    return any(
        asks_for_now(spec.field_name, spec.type) for rule in rules for spec in rule.conditions
    )


def _compile(rule: Rule, cut_offs: CutOffs, bucket_of: BucketOf) -> "_Share | _Conditional | None":
    outcome = Matched(rule.strategy_id, rule.value)
    conditions = tuple(
        compile_condition(spec.field_name, spec.conditional, spec.type, spec.values, cut_offs)
        for spec in rule.conditions
    )
    millionths = rule.percentage_millionths
    # A percentage of 0 is no percentage as soon as there are conditions.
    if conditions and not millionths:
        return _Conditional(outcome, conditions)
    if millionths is None:
        return None  # neither a percentage nor conditions: it matches nobody
    return _Share(outcome, millionths, rule.percentage_attributes, conditions, bucket_of)


def _met(conditions: tuple[Condition, ...], context: Context, now: datetime) -> bool:
    for condition in conditions:  # a loop: all() costs more than most tests
        if not condition.met_by(context.get(condition.field_name, ()), now):
            return False
    return True


# Strategies, each in the form that its rules leave to it ----------------------------------------


@dataclass(frozen=True, slots=True)
class _Nothing:
    def evaluate(self, _context: Context, _value_id: str, _now: datetime) -> None:
        return None


@dataclass(frozen=True, slots=True)
class _Conditional:
    """A strategy for all who meet its conditions."""

    outcome: Matched
    conditions: tuple[Condition, ...]

    def evaluate(self, context: Context, _value_id: str, now: datetime) -> Matched | None:
        return self.outcome if _met(self.conditions, context, now) else None


@dataclass(frozen=True, slots=True)
class _Share:
    """A strategy with a percentage, and, evaluated alone, with its key's buckets to itself."""

    outcome: Matched
    millionths: int
    attributes: tuple[str, ...]
    conditions: tuple[Condition, ...]
    bucket_of: BucketOf

    def evaluate(self, context: Context, value_id: str, now: datetime) -> Matched | None:
        if self.attributes:
            key = percentage_key(context, self.attributes)
        elif (default_key := default_percentage_key(context)) is not None:
            key = default_key
        else:
            return None
        bucket_of = self.bucket_of
        if bucket_of(key, value_id) > self.millionths:
            return None
        if self.conditions and not _met(self.conditions, context, now):
            return None
        return self.outcome


@dataclass(frozen=True, slots=True)
class _Independent:
    strategies: Sequence[Strategies]

    def evaluate(self, context: Context, value_id: str, now: datetime) -> Matched | None:
        for strategy in self.strategies:
            if (found := strategy.evaluate(context, value_id, now)) is not None:
                return found
        return None


@dataclass(frozen=True, slots=True)
class _Sharing:
    strategies: Sequence[_Share | _Conditional]
    bucket_of: BucketOf

    def evaluate(self, context: Context, value_id: str, now: datetime) -> Matched | None:
        default_key = default_percentage_key(context)
        buckets: dict[str, int] = {}
        given_out: dict[str, int] = {}  # millionths of each key
        for strategy in self.strategies:
            if isinstance(strategy, _Share):
                if strategy.attributes:
                    key = percentage_key(context, strategy.attributes)
                elif default_key is not None:
                    key = default_key
                else:
                    continue
                if key not in buckets:
                    buckets[key] = self.bucket_of(key, value_id)
                if strategy.conditions:
                    upper = strategy.millionths
                else:
                    upper = given_out[key] = given_out.get(key, 0) + strategy.millionths
                if buckets[key] > upper:
                    continue
            if _met(strategy.conditions, context, now):
                return strategy.outcome
        return None
