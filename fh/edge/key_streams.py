"""The streams of one key in one environment, as its subscription keeps them."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.connection import Connection
from fh.edge.fanout import Audience
from fh.edge.messages import Subscribe
from fh.edge.request import StreamForm
from fh.edge.view import caught_up
from fh.model.ids import FeatureId
from fh.model.sdk_key import SdkKey
from fh.wire.context_header import ClientContext
from fh.wire.sdk_json import Evaluation

AudienceKey: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...] | StreamForm
"""A client's context, or the form of streams that no context changes."""


@dataclass(frozen=True, slots=True)
class ContextAudience:
    """The streams of a key whose clients have equal contexts and are told in the same form."""

    form: StreamForm
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
    audiences: dict[Hashable, ContextAudience] = field(default_factory=dict)
    _emptied: list[Audience] = field(default_factory=list)
    _on_audience_empty: Callable[[Audience], None] = field(init=False)
    _view: tuple[Granted, int, Granted] | None = None

    def __post_init__(self) -> None:
        """Make the bound method once: for each of its audiences, one would weigh as much."""
        self._on_audience_empty = self._note_empty

    def view(
        self,
        granted: Granted,
        changes: int,
        known: Mapping[FeatureId, CacheEnvironmentFeature],
        gone: Mapping[FeatureId, int],
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
        context = subscribe.context
        key: AudienceKey = ()
        if subscribe.form is StreamForm.NOTICES:
            key = subscribe.form
        elif self.evaluation is Evaluation.SERVER:
            # An SDK that evaluates for itself is sent the same whatever its context.
            key = tuple(sorted(context.items()))
        found = self.audiences.get(key)
        if found is None:
            audience = Audience(self._on_audience_empty, key)
            found = self.audiences[key] = ContextAudience(
                subscribe.form, context, subscribe.context_tag, audience
            )
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
        for audience in self._emptied:
            if not audience.live:
                self.audiences.pop(audience.key, None)
        self._emptied.clear()

    @property
    def empty(self) -> bool:
        """Whether nobody is served or waits."""
        return not self.waiting and not any(
            found.audience.live for found in self.audiences.values()
        )

    def _note_empty(self, audience: Audience) -> None:
        self._emptied.append(audience)
        self.on_empty()
