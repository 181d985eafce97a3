"""What a subscription is told."""

from dataclasses import dataclass
from typing import TypeAlias

from fh.contracts.answers import KeyAnswer
from fh.contracts.published import CacheEnvironmentFeature, PublishFeatureValue
from fh.edge.connection import Connection
from fh.edge.request import StreamForm
from fh.model.ids import ServiceAccountId
from fh.model.sdk_key import SdkKey
from fh.wire.context_header import ClientContext


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A stream was opened; `held_etag` is the environment tag that its client still holds."""

    connection: Connection
    key: SdkKey
    context: ClientContext
    context_tag: str
    held_etag: str | None
    form: StreamForm = StreamForm.FEATURES


@dataclass(frozen=True, slots=True)
class KeyAnswered:
    """Dacha answered what was asked about a key."""

    key: SdkKey
    answer: KeyAnswer


@dataclass(frozen=True, slots=True)
class FeaturesAnnounced:
    """Features of this environment were created, changed or deleted."""

    features: tuple[PublishFeatureValue, ...]
    committed_at: float | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentAnnounced:
    """The environment was announced with all its features."""

    features: tuple[CacheEnvironmentFeature, ...]
    committed_at: float | None = None


@dataclass(frozen=True, slots=True)
class AccessChanged:
    """What keys may see may have changed; None stands for every account."""

    account_id: ServiceAccountId | None


@dataclass(frozen=True, slots=True)
class AudienceEmptied:
    """The last stream of a key left."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The time has come to ask about a key that could not be answered."""

    key: SdkKey


@dataclass(frozen=True, slots=True)
class TurnCame:
    """A stream that waits for its turn may be sent its first features."""

    key: SdkKey
    connection: Connection


@dataclass(frozen=True, slots=True)
class Evict:
    """The environment has to make room for another."""


SubscriptionMessage: TypeAlias = (
    Subscribe
    | KeyAnswered
    | FeaturesAnnounced
    | EnvironmentAnnounced
    | AccessChanged
    | AudienceEmptied
    | AskAgain
    | TurnCame
    | Evict
)
