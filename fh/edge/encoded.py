"""What a key may see, encoded once and shared by all who may see the same."""

from collections import OrderedDict
from typing import TypeAlias

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.evaluation import FeatureStates, depends_on_context
from fh.wire.context_header import NO_CONTEXT, ClientContext
from fh.wire.sdk_json import Evaluation, encode_array, encode_feature


def visible(features: tuple[CacheEnvironmentFeature, ...]) -> list[CacheEnvironmentFeature]:
    """Return the features that SDKs are sent: those whose value is not retired."""
    return [feature for feature in features if feature.value is None or not feature.value.retired]


_Parts: TypeAlias = bytes | tuple[bytes | CacheEnvironmentFeature, ...]
"""An array as bytes, or its elements, as bytes but for those that depend on the context."""


class EncodedViews:
    """The JSON array of the features of each view, bounded in number and in bytes.

    Views that show the same share their tuple of features, so its identity is the key; the entry
    keeps the tuple alive, so the identity can't be given to another. Features that depend on a
    client's context are encoded for each client anew, those around them once.
    """

    def __init__(
        self,
        states: FeatureStates,
        *,
        capacity: int = 10_000,
        capacity_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._states = states
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._entries: OrderedDict[
            tuple[int, Evaluation, bool], tuple[tuple[CacheEnvironmentFeature, ...], _Parts]
        ] = OrderedDict()
        self._bytes = 0

    def features(self, view: Granted, evaluation: Evaluation, context: ClientContext) -> bytes:
        """Return the features of `view` as a JSON array, as a client with `context` sees them."""
        key = (id(view.features), evaluation, view.extended_data)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._keep(key, view, evaluation)
        else:
            self._entries.move_to_end(key)
        parts = entry[1]
        if isinstance(parts, bytes):
            return parts
        return encode_array(
            part
            if isinstance(part, bytes)
            else self._encode(part, evaluation, context, extended_data=view.extended_data)
            for part in parts
        )

    def differ(self, view: Granted, evaluation: Evaluation) -> bool:
        """Return whether clients may see `view` differently, or one client from time to time."""
        return any(depends_on_context(feature, evaluation) for feature in view.features)

    def _keep(
        self, key: tuple[int, Evaluation, bool], view: Granted, evaluation: Evaluation
    ) -> tuple[tuple[CacheEnvironmentFeature, ...], _Parts]:
        parts = tuple(
            feature
            if depends_on_context(feature, evaluation)
            else self._encode(feature, evaluation, NO_CONTEXT, extended_data=view.extended_data)
            for feature in visible(view.features)
        )
        encoded = tuple(part for part in parts if isinstance(part, bytes))
        kept: _Parts = encode_array(encoded) if len(encoded) == len(parts) else parts
        entry = self._entries[key] = (view.features, kept)
        self._bytes += _size(kept)
        while len(self._entries) > self._capacity or self._bytes > self._capacity_bytes:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._bytes -= _size(dropped)
        return entry

    def _encode(
        self,
        feature: CacheEnvironmentFeature,
        evaluation: Evaluation,
        context: ClientContext,
        *,
        extended_data: bool,
    ) -> bytes:
        state = self._states.state(feature, evaluation, context, extended_data=extended_data)
        return encode_feature(state)


def _size(parts: _Parts) -> int:
    if isinstance(parts, bytes):
        return len(parts)
    return sum(len(part) for part in parts if isinstance(part, bytes))
