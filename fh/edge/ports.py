"""What a subscription needs of its surroundings."""

from collections.abc import Hashable
from typing import Protocol

from fh.contracts.answers import Denied, Granted
from fh.edge.admission import Waiter
from fh.edge.connection import Connection
from fh.edge.fanout import Audience
from fh.model.ids import EnvironmentId, ServiceAccountId
from fh.model.sdk_key import SdkKey
from fh.wire.sse import SharedEvent


class Streams(Protocol):
    """What a subscription needs of the engine."""

    def send(self, connection: Connection, frame: bytes) -> None:
        """Write one event to one stream."""

    def enter(self, connection: Connection, waiter: Waiter) -> bool:
        """Return whether a stream may be sent its features now; if not, `waiter` will hear."""

    def send_features(self, connection: Connection, event: SharedEvent) -> None:
        """Write a stream's first features, of any size."""

    def publish(self, audience: Audience, key: Hashable, frame: bytes) -> None:
        """Write one event to every stream of an audience; of two with one key the later counts."""

    def mark(self, committed_at: float) -> None:
        """Measure how long after `committed_at` all that was published so far has been written."""

    def end_stream(self, connection: Connection, frame: bytes, *, hold_seconds: float = 0) -> None:
        """Write a last event to a stream and close it, at once or after a while."""


class Surroundings(Protocol):
    """How a subscription asks about a key, the answer comes as KeyAnswered, and how it leaves."""

    def find(self, key: SdkKey) -> Granted | Denied | None:
        """Return the answer if it is in memory."""

    def ask(self, key: SdkKey) -> None:
        """Have the answer loaded."""

    def is_paused(self, key: SdkKey, account_id: ServiceAccountId) -> bool:
        """Return whether streams of a key, which belongs to that account, are put off."""

    def pause_seconds(self, failures: int) -> float:
        """Return how long to wait before asking again."""

    def subscription_ended(self, environment_id: EnvironmentId) -> None:
        """Hear that the environment has no subscription any more."""
