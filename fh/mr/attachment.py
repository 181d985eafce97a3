"""An application's strategy, attached to a feature value: what is stored, compared and sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationStrategyId
from fh.mr.errors import Invalid
from fh.mr.values import comparable_value, value_text

MOST_ATTACHED: Final = 100
"""Of one feature value."""

_PLACE = "rolloutStrategyInstances"


class Attached(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One that is attached, with its value as it is stored.

    `version` is the strategy's at the time of this version of the value: who did not see a later
    one must not change the value that was chosen for it. One that is `disabled` keeps its place
    and its value, and SDKs don't get it.
    """

    strategy_id: ApplicationStrategyId
    version: int
    value: str | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class SentAttachment:
    """What a client wants to be attached, with the JSON text of its value."""

    strategy_id: ApplicationStrategyId | None
    value: Raw = field(default_factory=Raw)
    disabled: bool = False


_STORED = msgspec.json.Decoder(tuple[Attached, ...])


def decode_attached(text: str) -> tuple[Attached, ...]:
    """Return a list as the history keeps it."""
    return _STORED.decode(text)


def encode_attached(attached: Sequence[Attached]) -> str:
    """Return the text to keep in the history."""
    return msgspec.json.encode(attached).decode()


def check_room(count: int) -> None:
    """Refuse more than can be attached to one value.

    Raises:
        Invalid: there are too many.
    """
    if count > MOST_ATTACHED:
        raise Invalid(_PLACE, f"There may be at most {MOST_ATTACHED} strategies.")


def wanted_attached(
    feature_type: FeatureType,
    sent: Sequence[SentAttachment],
    known: Mapping[ApplicationStrategyId, int],
) -> tuple[Attached, ...]:
    """Return what `sent` means; `known` are the versions of the live strategies among it.

    Strategies that are not known are left out.

    Raises:
        Invalid: a value is not of the feature's type, or there are too many, or one does not say
            which strategy it is.
    """
    check_room(len(sent))
    wanted = []
    for index, one in enumerate(sent):
        place = f"{_PLACE}[{index}]"
        if one.strategy_id is None:
            raise Invalid(f"{place}.strategyId", "It is not said which strategy that is.")
        if one.strategy_id in known:
            text = value_text(feature_type, one.value, f"{place}.value")
            version = known[one.strategy_id]
            wanted.append(Attached(one.strategy_id, version, text, one.disabled))
    return tuple(wanted)


def as_seen(
    base: Sequence[Attached], current: Sequence[Attached], wanted: Sequence[Attached]
) -> tuple[Attached, ...]:
    """Return `wanted` with the versions that its author was looking at, as far as is known."""
    versions = {one.strategy_id: one.version for one in (*current, *base)}
    return tuple(replace(one, version=versions.get(one.strategy_id, one.version)) for one in wanted)


def meaning_for(feature_type: FeatureType) -> Callable[[Attached], object]:
    """Return what makes two attachments of one strategy the same; 15 and 15.0 do."""
    return lambda one: (one.version, comparable_value(feature_type, one.value), one.disabled)
