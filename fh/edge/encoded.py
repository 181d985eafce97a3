"""What a key may see, encoded once and shared by all who may see the same."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.evaluation import FeatureStates, depends_on_context, depends_on_time
from fh.edge.per_view import PerView
from fh.wire.context_header import NO_CONTEXT, ClientContext
from fh.wire.sdk_json import Evaluation, encode_array, encode_feature


def visible(features: tuple[CacheEnvironmentFeature, ...]) -> list[CacheEnvironmentFeature]:
    """Return the features that SDKs are sent: those whose value is not retired."""
    return [feature for feature in features if feature.value is None or not feature.value.retired]


_Parts: TypeAlias = bytes | tuple[bytes | CacheEnvironmentFeature, ...]
"""An array as bytes, or its elements, as bytes but for those that depend on the context."""


_Asked: TypeAlias = tuple[int, Evaluation, bool, frozenset[tuple[str, tuple[str, ...]]]]

# Numbers: quicker to be hashed, and for tens of thousands of views not made anew.
_PURPOSES = {(False, False): 0, (False, True): 1, (True, False): 2, (True, True): 3}

_KEPT_AT_ONCE_BYTES = 16 * 1024

_LATELY_SECONDS = 1.0
_LATELY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Lately:
    """What a context was sent; `features` keeps the identity that it is found by."""

    features: tuple[CacheEnvironmentFeature, ...]
    encoded: bytes
    until: float


class EncodedViews:
    """The JSON array of the features of each view, bounded in number and in bytes.

    A small one is kept from the second time on that somebody asks for it: there may be tens of
    thousands of environments with one stream each.

    Features that depend on a client's context are encoded for each client anew, those around them
    once.

    Those who come together with equal contexts may be sent the same: what was encoded for one of
    them stands for the others for a second, in `features_lately`.
    """

    def __init__(
        self,
        states: FeatureStates,
        *,
        capacity: int = 10_000,
        capacity_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._states = states
        self._encoded: PerView[_Parts] = PerView(capacity=capacity, capacity_bytes=capacity_bytes)
        self._by_time: PerView[bool] = PerView(capacity=capacity)
        self._lately: OrderedDict[_Asked, _Lately] = OrderedDict()
        self._lately_bytes = 0

    def features(self, view: Granted, evaluation: Evaluation, context: ClientContext) -> bytes:
        """Return the features of `view` as a JSON array, as a client with `context` sees them."""
        parts = self._parts(view, evaluation)
        if isinstance(parts, bytes):
            return parts
        return self._joined(parts, view, evaluation, context)

    def features_lately(
        self, view: Granted, evaluation: Evaluation, context: ClientContext, now: float
    ) -> bytes:
        """Return what `features` does, or did a moment ago; `now` is a time in seconds."""
        parts = self._parts(view, evaluation)
        if isinstance(parts, bytes):
            return parts
        self._forget_lately(now)
        asked = (id(view.features), evaluation, view.extended_data, frozenset(context.items()))
        lately = self._lately.get(asked)
        if lately is None:
            encoded = self._joined(parts, view, evaluation, context)
            lately = self._lately[asked] = _Lately(view.features, encoded, now + _LATELY_SECONDS)
            self._lately_bytes += len(encoded)
        return lately.encoded

    def differ(self, view: Granted, evaluation: Evaluation) -> bool:
        """Return whether clients may see `view` differently, or one client from time to time."""
        return any(depends_on_context(feature, evaluation) for feature in view.features)

    def depend_on_time(self, view: Granted, evaluation: Evaluation) -> bool:
        """Return whether what a client sees of `view` may change though the view does not."""
        if evaluation is Evaluation.CLIENT:
            return False
        by_time = self._by_time.find(view, None)
        if by_time is None:
            by_time = any(depends_on_time(feature, evaluation) for feature in view.features)
            if self._by_time.was_asked(view, None):
                self._by_time.keep(view, None, by_time, 0)
        return by_time

    def _parts(self, view: Granted, evaluation: Evaluation) -> _Parts:
        purpose = _PURPOSES[evaluation is Evaluation.SERVER, view.extended_data]
        parts = self._encoded.find(view, purpose)
        if parts is None:
            parts = self._make(view, evaluation)
            size = _size(parts)
            if size > _KEPT_AT_ONCE_BYTES or self._encoded.was_asked(view, purpose):
                self._encoded.keep(view, purpose, parts, size)
        return parts

    def _joined(
        self,
        parts: tuple[bytes | CacheEnvironmentFeature, ...],
        view: Granted,
        evaluation: Evaluation,
        context: ClientContext,
    ) -> bytes:
        return encode_array(
            part
            if isinstance(part, bytes)
            else self._encode(part, evaluation, context, extended_data=view.extended_data)
            for part in parts
        )

    def _forget_lately(self, now: float) -> None:
        while self._lately:
            asked, oldest = next(iter(self._lately.items()))
            if oldest.until > now and self._lately_bytes <= _LATELY_BYTES:
                break
            del self._lately[asked]
            self._lately_bytes -= len(oldest.encoded)

    def _make(self, view: Granted, evaluation: Evaluation) -> _Parts:
        parts = tuple(
            feature
            if depends_on_context(feature, evaluation)
            else self._encode(feature, evaluation, NO_CONTEXT, extended_data=view.extended_data)
            for feature in visible(view.features)
        )
        encoded = tuple(part for part in parts if isinstance(part, bytes))
        return encode_array(encoded) if len(encoded) == len(parts) else parts

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
