"""Features as SDKs read them.

Source: sections 0.4 and 1.3 of the data plane's contract.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from fh.contracts.published import (
    ABSENT,
    CacheEnvironmentFeature,
    CacheRolloutStrategy,
    has_value,
)
from fh.model.feature_type import FeatureType
from fh.model.ids import EnvironmentId, FeatureId


class Evaluation(Enum):
    """Who applies the strategies."""

    CLIENT = "client"
    SERVER = "server"


class FeatureState(Struct, frozen=True, omit_defaults=True):
    """One feature as an SDK sees it."""

    id: FeatureId
    key: str
    l: bool  # noqa: E741  the wire's name for "locked"
    version: int
    type: FeatureType
    value: Raw = ABSENT
    v: str | None = None
    fp: Mapping[str, str] | None = None
    strategies: tuple[CacheRolloutStrategy, ...] | UnsetType = UNSET


_encoder = msgspec.json.Encoder()
_LINE_ENDS_TO_SPACES = bytes.maketrans(b"\r\n", b"  ")


def feature_state(
    feature: CacheEnvironmentFeature, evaluation: Evaluation, *, extended_data: bool
) -> FeatureState:
    """Return `feature` as an SDK reads it: its default value, and the strategies it applies."""
    value = feature.value
    strategies = () if value is None else value.rollout_strategies
    return FeatureState(
        id=feature.feature.id,
        key=feature.feature.key,
        l=value is not None and value.locked,
        version=0 if value is None else value.version,
        type=feature.feature.value_type,
        value=value.value if value is not None and has_value(value.value) else ABSENT,
        fp=feature.properties if extended_data else None,
        strategies=strategies if evaluation is Evaluation.CLIENT else UNSET,
    )


def encode_feature(state: FeatureState) -> bytes:
    """Return the JSON text of one feature, on one line."""
    text = _encoder.encode(state)
    if b"\n" in text or b"\r" in text:
        # Values keep the text they were written with. In valid JSON a line end stands between
        # tokens, and an event of a stream has no room for one.
        return text.translate(_LINE_ENDS_TO_SPACES)
    return text


def encode_features(states: Iterable[FeatureState]) -> bytes:
    """Return the JSON array of a stream's `features` event."""
    return encode_array(map(encode_feature, states))


def encode_array(elements: Iterable[bytes]) -> bytes:
    """Return the JSON array of `elements`, each from `encode_feature`."""
    return b"[%b]" % b",".join(elements)


def encode_environment(environment_id: EnvironmentId, features: bytes) -> bytes:
    """Return one environment of a poll's answer; `features` comes from `encode_features`."""
    return b'{"id":"%b","features":%b}' % (str(environment_id).encode(), features)
