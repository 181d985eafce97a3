"""Changes of an environment's features, as the streams that may see them are told."""

from collections.abc import Hashable, Iterable, Sequence
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
    """A change as the streams with one view see it.

    `which` tells what changed apart within an announcement. Of two news about one `subject` that
    wait for a client, the later one counts.
    """

    which: Hashable
    subject: Hashable
    feature: CacheEnvironmentFeature
    deleted: bool

    @classmethod
    def of(
        cls, which: Hashable, feature: CacheEnvironmentFeature, *, deleted: bool | None = None
    ) -> "News":
        """Return the news of a feature: deleted where nothing else is said if it is retired."""
        if deleted is None:
            deleted = feature.value is not None and feature.value.retired
        # Under another key, SDKs take it for another feature. A number: a UUID takes ten times as
        # long to be hashed.
        subject = (feature.feature.id.int, feature.feature.key)
        return cls(which, subject, feature, deleted)


def news_for(
    granted: Granted, changes: Sequence[Change], known: Iterable[CacheEnvironmentFeature]
) -> list[News]:
    """Return what `changes` are to streams that were granted a view; `known` is all there is now.

    SDKs find features by their key: one that has another key now is gone under the old one.
    """
    news: list[News] = []
    holders: dict[str, CacheEnvironmentFeature] | None = None
    for position, (before, newest) in enumerate(changes):
        after = newest if newest is not None and granted.sees(newest) else None
        if before is not None and granted.sees(before):
            key = before.feature.key
            if after is None or after.feature.key != key:
                # Without a value its version is 0: gone, whatever version the client has.
                gone = CacheEnvironmentFeature(before.feature)
                news.append(News.of(~position, gone, deleted=True))
                if holders is None:
                    holders = {each.feature.key: each for each in known if granted.sees(each)}
                if (holder := holders.get(key)) is not None:
                    # Whoever was told of it earlier has just taken it for what is gone.
                    which = (holder.feature.id, key)
                    news.append(News.of(which, holder))
        if after is not None:
            news.append(News.of(position, after))
    return news


class EventEncoder:
    """The events about the changes of one announcement, each encoded once for all who share it."""

    def __init__(self, states: FeatureStates) -> None:
        self._states = states
        self._deciders: dict[Hashable, Decider] = {}
        self._events: dict[tuple[Hashable, ...], bytes] = {}

    def encode(
        self, news: News, evaluation: Evaluation, granted: Granted, context: ClientContext
    ) -> bytes:
        """Return the event about `news` for a client with `context`."""
        decided = None
        if depends_on_context(news.feature, evaluation):
            decide = self._deciders.get(news.which) or self._keep_decider(news)
            decided = decide(context)
        # By its identity: hashing the value would take longer than evaluating did. It lives as
        # long as the feature, and so as the news.
        kind = (
            news.which,
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
        decider = self._deciders[news.which] = self._states.decider(news.feature.value)
        return decider
