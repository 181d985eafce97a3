"""What a key may see, encoded once and shared by all who may see the same."""

from collections import OrderedDict

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.evaluation import FeatureStates, depends_on_context
from fh.wire.context_header import ClientContext
from fh.wire.sdk_json import Evaluation, encode_features


def visible(features: tuple[CacheEnvironmentFeature, ...]) -> list[CacheEnvironmentFeature]:
    """Return the features that SDKs are sent: those whose value is not retired."""
    return [feature for feature in features if feature.value is None or not feature.value.retired]


class EncodedViews:
    """The JSON array of the features of each view, bounded in number and in bytes.

    Views that show the same share their tuple of features, so its identity is the key; the entry
    keeps the tuple alive, so the identity can't be given to another. What depends on a client's
    context is encoded for each client anew.
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
            tuple[int, Evaluation, bool], tuple[tuple[CacheEnvironmentFeature, ...], bytes | None]
        ] = OrderedDict()
        self._bytes = 0

    def features(self, view: Granted, evaluation: Evaluation, context: ClientContext) -> bytes:
        """Return the features of `view` as a JSON array, as a client with `context` sees them."""
        key = (id(view.features), evaluation, view.extended_data)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._keep(key, view, evaluation, context)
        else:
            self._entries.move_to_end(key)
        encoded = entry[1]
        return self._encode(view, evaluation, context) if encoded is None else encoded

    def _keep(
        self,
        key: tuple[int, Evaluation, bool],
        view: Granted,
        evaluation: Evaluation,
        context: ClientContext,
    ) -> tuple[tuple[CacheEnvironmentFeature, ...], bytes | None]:
        differs = any(depends_on_context(feature, evaluation) for feature in view.features)
        encoded = None if differs else self._encode(view, evaluation, context)
        entry = self._entries[key] = (view.features, encoded)
        self._bytes += len(encoded or b"")
        while len(self._entries) > self._capacity or self._bytes > self._capacity_bytes:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._bytes -= len(dropped or b"")
        return entry

    def _encode(self, view: Granted, evaluation: Evaluation, context: ClientContext) -> bytes:
        return encode_features(
            self._states.state(feature, evaluation, context, extended_data=view.extended_data)
            for feature in visible(view.features)
        )
