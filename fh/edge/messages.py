"""What a subscription is told."""

from typing import TypeAlias

from msgspec import Struct

from fh.contracts.answers import KeyAnswer
from fh.contracts.published import CacheEnvironmentFeature, PublishFeatureValue
from fh.edge.connection import Connection
from fh.edge.request import StreamForm
from fh.model.ids import ServiceAccountId
from fh.model.sdk_key import SdkKey
from fh.wire.context_header import ClientContext


class Subscribe(Struct, frozen=True, eq=False):
    """A stream was opened; `held_etag` is the environment tag that its client still holds."""

    connection: Connection
    key: SdkKey
    context: ClientContext
    context_tag: str
    held_etag: str | None
    form: StreamForm = StreamForm.FEATURES


class KeyAnswered(Struct, frozen=True, eq=False):
    """Dacha answered what was asked about a key."""

    key: SdkKey
    answer: KeyAnswer


class FeaturesAnnounced(Struct, frozen=True, eq=False):
    """Features of this environment were created, changed or deleted."""

    features: tuple[PublishFeatureValue, ...]
    committed_at: float | None = None


class EnvironmentAnnounced(Struct, frozen=True, eq=False):
    """The environment was announced with all its features."""

    features: tuple[CacheEnvironmentFeature, ...]
    committed_at: float | None = None


class AccessChanged(Struct, frozen=True, eq=False):
    """What keys may see may have changed; None stands for every account."""

    account_id: ServiceAccountId | None


class AudienceEmptied(Struct, frozen=True, eq=False):
    """The last stream of a key left."""


class AskAgain(Struct, frozen=True, eq=False):
    """The time has come to ask about a key that could not be answered."""

    key: SdkKey


class TurnCame(Struct, frozen=True, eq=False):
    """A stream that waits for its turn may be sent its first features."""

    key: SdkKey
    connection: Connection


class Evict(Struct, frozen=True, eq=False):
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
