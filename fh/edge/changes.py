"""Changes of an environment's features, as the streams that may see them are told."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeAlias

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.evaluation import FeatureStates, depends_on_context
from fh.wire.context_header import ClientContext
from fh.wire.sdk_json import Evaluation, encode_feature
from fh.wire.sse import encode_json

Change: TypeAlias = tuple[CacheEnvironmentFeature | None, CacheEnvironmentFeature | None]
"""What was known of a feature, and what is now; None is its absence."""


class News(NamedTuple):
    """A change as the streams with one view see it; `position` tells changes apart."""

    position: int
    feature: CacheEnvironmentFeature
    deleted: bool


def news_for(granted: Granted, changes: Sequence[Change]) -> list[News]:
    """Return what `changes` are to streams that were granted a view."""
    news = []
    for position, (known, newest) in enumerate(changes):
        if newest is not None and granted.sees(newest):
            deleted = newest.value is not None and newest.value.retired
            news.append(News(position, newest, deleted))
        elif known is not None and granted.sees(known):
            # Without a value its version is 0: gone, whatever version the client has.
            news.append(News(position, CacheEnvironmentFeature(known.feature), deleted=True))
    return news


class EventEncoder:
    """The events about the changes of one announcement, each encoded once for all who share it."""

    def __init__(self, states: FeatureStates) -> None:
        self._states = states
        self._events: dict[tuple[Hashable, ...], bytes] = {}

    def encode(
        self, news: News, evaluation: Evaluation, granted: Granted, context: ClientContext
    ) -> bytes:
        """Return the event about `news` for a client with `context`."""
        extended_data = granted.extended_data
        kind: tuple[Hashable, ...] = (news.position, news.deleted, evaluation, extended_data)
        if not depends_on_context(news.feature, evaluation) and kind in self._events:
            return self._events[kind]
        state = self._states.state(news.feature, evaluation, context, extended_data=extended_data)
        if state.v is not None:
            kind = (*kind, state.v, bytes(state.value))
        event = self._events.get(kind)
        if event is None:
            name = "delete_feature" if news.deleted else "feature"
            event = self._events[kind] = encode_json(name, encode_feature(state))
        return event
