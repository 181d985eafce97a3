"""What a key may see, encoded once and shared by all who may see the same."""

from collections import OrderedDict

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.wire.sdk_json import Evaluation, encode_features, feature_state


def visible(features: tuple[CacheEnvironmentFeature, ...]) -> list[CacheEnvironmentFeature]:
    """Return the features that SDKs are sent: those whose value is not retired."""
    return [feature for feature in features if feature.value is None or not feature.value.retired]


class EncodedViews:
    """The JSON array of the features of each view, bounded in number and in bytes.

    Views that show the same share their tuple of features, so its identity is the key; the entry
    keeps the tuple alive, so the identity can't be given to another.
    """

    def __init__(self, *, capacity: int = 10_000, capacity_bytes: int = 64 * 1024 * 1024) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._entries: OrderedDict[
            tuple[int, Evaluation, bool], tuple[tuple[CacheEnvironmentFeature, ...], bytes]
        ] = OrderedDict()
        self._bytes = 0

    def features(self, view: Granted, evaluation: Evaluation) -> bytes:
        """Return the features of `view` as a JSON array."""
        key = (id(view.features), evaluation, view.extended_data)
        if entry := self._entries.get(key):
            self._entries.move_to_end(key)
            return entry[1]
        encoded = encode_features(
            feature_state(feature, evaluation, extended_data=view.extended_data)
            for feature in visible(view.features)
        )
        self._entries[key] = (view.features, encoded)
        self._bytes += len(encoded)
        while self._entries and (
            len(self._entries) > self._capacity or self._bytes > self._capacity_bytes
        ):
            _, (_, dropped) = self._entries.popitem(last=False)
            self._bytes -= len(dropped)
        return encoded
