"""The Python SDK's evaluator as a contestant, called as its repository calls it.

It runs in the SDK's own environment: strategies are wrapped once, when a feature arrives, and
`ApplyFeature` is asked for each client.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, TypeAlias

from featurehub_sdk.client_context import (  # type: ignore[import-not-found] # its own environment
    ClientContext,
    RolloutStrategy,
)
from featurehub_sdk.strategy_matchers import (  # type: ignore[import-not-found] # as above
    ApplyFeature,
)

from bench.evaluators.obey import obey

Wrapped: TypeAlias = list[Any]
_KEY = "FEATURE"


class SdkEvaluator:
    """See `Evaluator`."""

    def __init__(self) -> None:
        self._apply = ApplyFeature().apply

    def build(self, strategies: Sequence[Mapping[str, Any]]) -> Wrapped:
        """Wrap the strategies, as the SDK does when a feature arrives."""
        return [RolloutStrategy(strategy) for strategy in strategies]

    def context(self, attributes: Mapping[str, Sequence[str]]) -> Any:
        """Return the context of a client."""
        context = ClientContext(None)
        for name, values in attributes.items():
            context.attribute_values(name, list(values))
        return context

    def outcome(self, built: Wrapped, value_id: str, context: Any) -> tuple[bool, Any]:
        """Return whether a strategy matched, and its value."""
        applied = self._apply(built, _KEY, value_id, context)
        return applied.matched, applied.value

    def one_pass(self, inputs: Sequence[tuple[Wrapped, str, Any]]) -> None:
        """Evaluate every input once."""
        apply = self._apply
        for strategies, value_id, context in inputs:
            apply(strategies, _KEY, value_id, context)


if __name__ == "__main__":
    obey(SdkEvaluator(), f"featurehub-sdk {version('featurehub-sdk')}")
