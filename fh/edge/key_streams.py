"""The streams of one key in one environment, as its subscription keeps them."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.connection import Connection
from fh.edge.fanout import Audience
from fh.edge.messages import Subscribe
from fh.edge.view import caught_up
from fh.model.ids import FeatureId
from fh.model.sdk_key import SdkKey
from fh.wire.context_header import ClientContext
from fh.wire.sdk_json import Evaluation

ContextKey: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class ContextAudience:
    """The streams of a key whose clients have equal contexts."""

    context: ClientContext
    context_tag: str
    audience: Audience


@dataclass(slots=True)
class KeyStreams:
    """The streams of one key: those that are live and those that wait for the first answer."""

    key: SdkKey
    evaluation: Evaluation
    on_empty: Callable[[], None]
    granted: Granted | None = None
    waiting: list[Subscribe] = field(default_factory=list)
    asking: bool = False
    outdated: bool = False
    failures: int = 0
    audiences: dict[ContextKey, ContextAudience] = field(default_factory=dict)
    _emptied: list[ContextKey] = field(default_factory=list)
    _view: tuple[Granted, int, Granted] | None = None

    def view(
        self,
        granted: Granted,
        changes: int,
        known: Mapping[FeatureId, CacheEnvironmentFeature],
        gone: AbstractSet[FeatureId],
    ) -> Granted:
        """Return `granted` with what is `known` beyond it, worked out once for many streams.

        `changes` counts the changes of `known` and `gone`.
        """
        cached = self._view
        if cached is None or cached[0] is not granted or cached[1] != changes:
            cached = self._view = (granted, changes, caught_up(granted, known, gone))
        return cached[2]

    def join(self, subscribe: Subscribe) -> None:
        """Serve a stream together with those that are sent the same."""
        # An SDK that evaluates for itself is sent the same whatever its context.
        context = subscribe.context
        key = tuple(sorted(context.items())) if self.evaluation is Evaluation.SERVER else ()
        found = self.audiences.get(key)
        if found is None:
            audience = Audience(lambda _: self._note_empty(key))
            found = self.audiences[key] = ContextAudience(context, subscribe.context_tag, audience)
        found.audience.join(subscribe.connection)

    def live(self) -> tuple[ContextAudience, ...]:
        """Return the audiences that somebody is in."""
        return tuple(found for found in self.audiences.values() if found.audience.live)

    def members(self) -> tuple[Connection, ...]:
        """Return every stream that is served."""
        return tuple(
            member for found in self.audiences.values() for member in found.audience.members
        )

    def connections(self) -> tuple[Connection, ...]:
        """Return every stream that is served or waits."""
        return (*self.members(), *(subscribe.connection for subscribe in self.waiting))

    def forget_empty(self) -> None:
        """Drop the audiences that everybody left."""
        for key in self._emptied:
            found = self.audiences.get(key)
            if found is not None and not found.audience.live:
                del self.audiences[key]
        self._emptied.clear()

    @property
    def empty(self) -> bool:
        """Whether nobody is served or waits."""
        return not self.waiting and not any(
            found.audience.live for found in self.audiences.values()
        )

    def _note_empty(self, key: ContextKey) -> None:
        self._emptied.append(key)
        self.on_empty()
