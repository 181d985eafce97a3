"""Changes of an environment's features, as the streams that may see them are told."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeAlias

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge.evaluation import Decider, FeatureStates, decided_state, depends_on_context
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
        self._deciders: dict[int, Decider] = {}
        self._events: dict[tuple[Hashable, ...], bytes] = {}

    def encode(
        self, news: News, evaluation: Evaluation, granted: Granted, context: ClientContext
    ) -> bytes:
        """Return the event about `news` for a client with `context`."""
        decided = None
        if depends_on_context(news.feature, evaluation):
            decide = self._deciders.get(news.position) or self._keep_decider(news)
            decided = decide(context)
        # By its identity: hashing the value would take longer than evaluating did. It lives as
        # long as the feature, and so as the news.
        kind = (
            news.position,
            news.deleted,
            evaluation is Evaluation.SERVER,
            granted.extended_data,
            id(decided),
        )
        event = self._events.get(kind)
        if event is None:
            state = decided_state(
                news.feature, evaluation, decided, extended_data=granted.extended_data
            )
            name = "delete_feature" if news.deleted else "feature"
            event = self._events[kind] = encode_json(name, encode_feature(state))
        return event

    def _keep_decider(self, news: News) -> Decider:
        # Of what a change is to different keys, only the newest state can have strategies.
        assert news.feature.value is not None
        decider = self._deciders[news.position] = self._states.decider(news.feature.value)
        return decider
