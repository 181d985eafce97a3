"""Features as flags of OpenFeature: values of their type, each with the reason for it.

Who asks is told values, never rules: the strategies are applied here, whatever the key.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias, assert_never

import msgspec
from msgspec import Raw

from fh.contracts.answers import Granted
from fh.contracts.published import (
    ABSENT,
    CacheEnvironmentFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    has_value,
)
from fh.edge.evaluation import FeatureStates, depends_on_context
from fh.edge.per_view import PerView
from fh.model.feature_type import FeatureType
from fh.wire.context_header import NO_CONTEXT, ClientContext
from fh.wire.ofrep import ErrorCode, Flag, FlagError, Reason, encode_flag
from fh.wire.sdk_json import Evaluation

Features: TypeAlias = tuple[CacheEnvironmentFeature, ...]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE_BELOW = 2**53
_OWN_VALUE = "default"
_NO_VALUE = "none"


class Unreadable(Exception):
    """A stored value is not of its feature's type."""


class Flags:
    """Makes flags of features; those that all contexts see alike are encoded once for each view."""

    def __init__(
        self,
        states: FeatureStates,
        *,
        capacity: int = 10_000,
        capacity_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._states = states
        self._encoded: PerView[tuple[bytes, Features]] = PerView(
            capacity=capacity, capacity_bytes=capacity_bytes
        )

    def find(self, view: Granted, key: str, context: ClientContext) -> Flag | FlagError | None:
        """Return the flag `key` as a client with `context` sees it, None if there is none."""
        for feature in view.features:
            if feature.feature.key == key:
                return self._flag(view, feature, context)
        return None

    def encoded(self, view: Granted, context: ClientContext) -> bytes:
        """Return all flags of `view` as a JSON array, as a client with `context` sees them."""
        parts = self._encoded.find(view, view.extended_data)
        if parts is None:
            parts = self._make(view)
            self._encoded.keep(view, view.extended_data, parts, len(parts[0]))
        alike, differing = parts
        encoded = self._encode(view, differing, context)
        return b"[%b]" % b",".join((alike, *encoded) if alike else encoded)

    def _make(self, view: Granted) -> tuple[bytes, Features]:
        differing = tuple(
            feature for feature in view.features if depends_on_context(feature, Evaluation.SERVER)
        )
        others = (
            feature
            for feature in view.features
            if not depends_on_context(feature, Evaluation.SERVER)
        )
        return b",".join(self._encode(view, others, NO_CONTEXT)), differing

    def _encode(
        self, view: Granted, features: Iterable[CacheEnvironmentFeature], context: ClientContext
    ) -> list[bytes]:
        return [encode_flag(self._flag(view, feature, context)) for feature in features]

    def _flag(
        self, view: Granted, feature: CacheEnvironmentFeature, context: ClientContext
    ) -> Flag | FlagError:
        key, kind, value = feature.feature.key, feature.feature.value_type, feature.value
        properties = feature.properties if view.extended_data else None
        metadata: dict[str, str | int | bool] = {
            **(properties or {}),
            "type": kind,
            "version": 0 if value is None else value.version,
            "locked": value is not None and value.locked,
        }
        if value is None:
            return Flag(key, Reason.DEFAULT, _NO_VALUE, metadata)
        if value.retired:
            return Flag(key, Reason.DISABLED, _NO_VALUE, metadata)
        matched = self._states.matched(value, context)
        raw = value.value if matched is None else matched.value
        try:
            shown = typed(kind, raw) if has_value(raw) else ABSENT
        except Unreadable:
            return FlagError(ErrorCode.PARSE_ERROR, f"the value is not of type {kind}", key)
        if matched is not None:
            return Flag(key, _reason_of(matched), matched.id, metadata, shown)
        variant = _OWN_VALUE if shown else _NO_VALUE
        return Flag(key, _reason_without(value, shown), variant, metadata, shown)


def typed(kind: FeatureType, value: Raw) -> Raw:
    """Return `value` as JSON of its type, whether it was stored as that or as a text of it.

    Raises:
        Unreadable: it can't be read as one.
    """
    inner = _inner(value)
    match kind:
        case FeatureType.BOOLEAN:
            if inner not in {"true", "false"}:
                raise Unreadable
        case FeatureType.NUMBER:
            inner = _number(inner)
        case FeatureType.STRING:
            inner = msgspec.json.encode(inner).decode()
        case FeatureType.JSON:
            try:
                msgspec.json.decode(inner)
            except (msgspec.DecodeError, RecursionError):
                raise Unreadable from None
        case _:
            assert_never(kind)
    return Raw(inner.encode())


def _inner(value: Raw) -> str:
    text = bytes(value).strip()
    try:
        return msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Raw values are not looked into on their way here.
        raise Unreadable from None


def _number(text: str) -> str:
    if _NUMBER.fullmatch(text) is None:
        raise Unreadable
    if text.removeprefix("-").isdigit():
        return text
    number = Decimal(text)
    # To SDKs that tell integers from others, 3.0 must not be another type than 3.
    whole = number.copy_abs() < _WHOLE_BELOW and number == number.to_integral_value()
    return str(int(number)) if whole else text


def _reason_of(matched: CacheRolloutStrategy) -> Reason:
    # Whoever has to have attributes is targeted, even where a percentage thins them out.
    return Reason.TARGETING_MATCH if matched.attributes else Reason.SPLIT


def _reason_without(value: CacheFeatureValue, shown: Raw) -> Reason:
    return Reason.STATIC if shown and not value.rollout_strategies else Reason.DEFAULT
