"""What an SDK is sent of a feature: for server-evaluated keys, what its context makes of it."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import structlog
from msgspec import Raw

from fh.contracts.published import (
    ABSENT,
    CacheEnvironmentFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    has_value,
)
from fh.strategies.conditions import asks_for_now
from fh.strategies.evaluate import compile_strategies, need_time
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import ConditionSpec, Rule
from fh.wire.context_header import ClientContext
from fh.wire.sdk_json import Evaluation, FeatureState, feature_state

if TYPE_CHECKING:
    from fh.model.ids import FeatureValueId

Decider: TypeAlias = Callable[[ClientContext], CacheRolloutStrategy | None]
"""Returns the strategy that decides for a context, None if the feature's own value stands."""

log = structlog.get_logger()

_A_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def depends_on_context(feature: CacheEnvironmentFeature, evaluation: Evaluation) -> bool:
    """Return whether clients with different contexts may be sent different things."""
    return (
        evaluation is Evaluation.SERVER
        and feature.value is not None
        and bool(feature.value.rollout_strategies)
    )


def depends_on_time(feature: CacheEnvironmentFeature, evaluation: Evaluation) -> bool:
    """Return whether one client may be sent different things from time to time."""
    value = feature.value
    return (
        value is not None
        and not value.retired
        and depends_on_context(feature, evaluation)
        and any(
            asks_for_now(attribute.field_name, attribute.type)
            for strategy in value.rollout_strategies
            for attribute in strategy.attributes
        )
    )


class FeatureStates:
    """Makes what SDKs are sent; the newest strategies of each value are kept compiled."""

    def __init__(
        self,
        *,
        capacity: int = 100_000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._capacity = capacity
        self._now = now
        self._cut_offs = CutOffs()
        self._compiled: OrderedDict[FeatureValueId, tuple[CacheFeatureValue, Decider]] = (
            OrderedDict()
        )

    @property
    def patterns_cut_off(self) -> int:
        """How many regular expressions were given up because they took too long."""
        return self._cut_offs.count

    def state(
        self,
        feature: CacheEnvironmentFeature,
        evaluation: Evaluation,
        context: ClientContext,
        *,
        extended_data: bool,
    ) -> FeatureState:
        """Return `feature` as a client with `context` is to see it."""
        decided = None
        if depends_on_context(feature, evaluation) and feature.value is not None:
            decided = self.matched(feature.value, context)
        return decided_state(feature, evaluation, decided, extended_data=extended_data)

    def matched(
        self, value: CacheFeatureValue, context: ClientContext
    ) -> CacheRolloutStrategy | None:
        """Return the strategy that decides for `context`, None if the value's own stands."""
        return self.decider(value)(context) if value.rollout_strategies else None

    def decider(self, value: CacheFeatureValue) -> Decider:
        """Return what `matched` does for `value`, for many contexts in a row."""
        entry = self._compiled.get(value.id)
        if entry is not None and entry[0] is value:
            self._compiled.move_to_end(value.id)
            return entry[1]
        decider = self._compile(value)
        self._compiled[value.id] = (value, decider)
        if len(self._compiled) > self._capacity:
            self._compiled.popitem(last=False)
        return decider

    def _compile(self, value: CacheFeatureValue) -> Decider:
        rules = tuple(_rules(value))
        strategies = compile_strategies(rules, self._cut_offs)
        value_id = str(value.id)
        # Reading the clock takes as long as a small rule, and hardly any rule asks for the time.
        now = self._now if need_time(rules) else _any_time

        def decide(context: ClientContext) -> CacheRolloutStrategy | None:
            found = strategies.evaluate(context, value_id, now())
            if found is None:
                return None
            assert isinstance(found.value, CacheRolloutStrategy)
            return found.value

        return decide


def decided_state(
    feature: CacheEnvironmentFeature,
    evaluation: Evaluation,
    decided: CacheRolloutStrategy | None,
    *,
    extended_data: bool,
) -> FeatureState:
    """Return `feature` as a client is to see it for whom the strategy `decided`, if any."""
    state = feature_state(feature, evaluation, extended_data=extended_data)
    if decided is None:
        return state
    # A strategy without a value leaves the feature without one; its own does not step in.
    shown = decided.value if has_value(decided.value) else ABSENT
    return msgspec.structs.replace(state, value=shown, v=decided.id)


def _readable(values: Iterable[Raw]) -> Iterable[Any]:
    """Yield the values of a rule; one that can't be read equals nothing."""
    for text in values:
        try:
            bytes(text).decode()
            yield _decoder.decode(text)
        except (ValueError, ArithmeticError, RecursionError) as unreadable:
            log.debug("rule_value_unreadable", reason=type(unreadable).__name__)


def _any_time() -> datetime:
    return _A_TIME


def _rules(value: CacheFeatureValue) -> Iterable[Rule]:
    for strategy in value.rollout_strategies:
        yield Rule(
            strategy_id=strategy.id,
            value=strategy,
            percentage_millionths=strategy.percentage,
            percentage_attributes=strategy.percentage_attributes,
            conditions=tuple(
                ConditionSpec(
                    attribute.field_name,
                    attribute.conditional,
                    attribute.type,
                    tuple(_readable(attribute.values)),
                )
                for attribute in strategy.attributes
            ),
        )
