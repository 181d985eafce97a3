"""What an SDK is sent of a feature: for server-evaluated keys, what its context makes of it."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from fh.contracts.published import ABSENT, CacheEnvironmentFeature, CacheFeatureValue, has_value
from fh.strategies.evaluate import Strategies, compile_strategies
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import ConditionSpec, Rule
from fh.wire.context_header import ClientContext
from fh.wire.sdk_json import Evaluation, FeatureState, feature_state

if TYPE_CHECKING:
    from fh.model.ids import FeatureValueId

_decoder = msgspec.json.Decoder(float_hook=Decimal)


def depends_on_context(feature: CacheEnvironmentFeature, evaluation: Evaluation) -> bool:
    """Return whether clients with different contexts may be sent different things."""
    return (
        evaluation is Evaluation.SERVER
        and feature.value is not None
        and bool(feature.value.rollout_strategies)
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
        self._compiled: OrderedDict[FeatureValueId, tuple[CacheFeatureValue, Strategies]] = (
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
        state = feature_state(feature, evaluation, extended_data=extended_data)
        value = feature.value
        if value is None or not depends_on_context(feature, evaluation):
            return state
        matched = self._strategies(value).evaluate(context, str(value.id), self._now())
        if matched is None:
            return state
        outcome = matched.value
        # A strategy without a value leaves the feature without one; its own does not step in.
        shown = outcome if isinstance(outcome, Raw) and has_value(outcome) else ABSENT
        return msgspec.structs.replace(state, value=shown, v=matched.strategy_id)

    def _strategies(self, value: CacheFeatureValue) -> Strategies:
        entry = self._compiled.get(value.id)
        if entry is not None and entry[0] is value:
            self._compiled.move_to_end(value.id)
            return entry[1]
        strategies = compile_strategies(_rules(value), self._cut_offs)
        self._compiled[value.id] = (value, strategies)
        if len(self._compiled) > self._capacity:
            self._compiled.popitem(last=False)
        return strategies


def _rules(value: CacheFeatureValue) -> Iterable[Rule]:
    for strategy in value.rollout_strategies:
        yield Rule(
            strategy_id=strategy.id,
            value=strategy.value,
            percentage_millionths=strategy.percentage,
            percentage_attributes=strategy.percentage_attributes,
            conditions=tuple(
                ConditionSpec(
                    attribute.field_name,
                    attribute.conditional,
                    attribute.type,
                    tuple(_decoder.decode(text) for text in attribute.values),
                )
                for attribute in strategy.attributes
            ),
        )
