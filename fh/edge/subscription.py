"""One environment with at least one stream.

It is an actor because answers about keys, announced changes and leaving clients race. It alone
knows what its streams have been sent: the newest version of every feature that any answer or
announcement brought. What is newer goes to every stream that may see it, what is not goes to
none; so no stream falls behind, and none ever sees a version go back, in whatever order Dacha's
answers and the bus's announcements arrive.
"""

from collections.abc import Iterable, Sequence
from typing import assert_never

import structlog

from fh.actors.actor import Actor
from fh.actors.ref import Ref
from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.contracts.merge import merged
from fh.contracts.published import CacheEnvironmentFeature, PublishAction, PublishFeatureValue
from fh.edge.changes import Change, EventEncoder, news_for
from fh.edge.connection import Connection
from fh.edge.encoded import EncodedViews
from fh.edge.evaluation import FeatureStates
from fh.edge.key_streams import KeyStreams
from fh.edge.messages import (
    AccessChanged,
    AskAgain,
    AudienceEmptied,
    EnvironmentAnnounced,
    Evict,
    FeaturesAnnounced,
    KeyAnswered,
    Subscribe,
    SubscriptionMessage,
)
from fh.edge.poll import evaluation_of
from fh.edge.ports import Questions, Streams
from fh.edge.request import StreamForm
from fh.edge.response import BYE, UNKNOWN_KEY_HOLD_SECONDS, unknown_key
from fh.edge.view import sees_differently
from fh.model.ids import FeatureId, ServiceAccountId
from fh.model.sdk_key import SdkKey
from fh.wire.etag import encode_etag
from fh.wire.ofrep import encode_notice
from fh.wire.sdk_json import Evaluation
from fh.wire.sse import encode_json, with_id

log = structlog.get_logger()


class EnvironmentSubscription(Actor[SubscriptionMessage]):
    """The only owner of the streams of one environment."""

    def __init__(
        self, streams: Streams, questions: Questions, views: EncodedViews, states: FeatureStates
    ) -> None:
        self._streams = streams
        self._questions = questions
        self._views = views
        self._states = states
        self._keys: dict[SdkKey, KeyStreams] = {}
        self._known: dict[FeatureId, CacheEnvironmentFeature] = {}
        self._gone: dict[FeatureId, int] = {}
        self._changes = 0
        self._maybe_deserted = False
        self._me: Ref[SubscriptionMessage] | None = None

    async def started(self, me: Ref[SubscriptionMessage]) -> None:
        """Learn how to be told of retries and of leaving clients."""
        self._me = me

    def connections(self) -> tuple[Connection, ...]:
        """Return every stream that is served or waits."""
        return tuple(
            connection for streams in self._keys.values() for connection in streams.connections()
        )

    def react(self, message: SubscriptionMessage) -> None:
        """Handle one message; nothing here waits."""
        match message:
            case Subscribe():
                self._subscribe(message)
            case KeyAnswered(key, answer):
                self._key_answered(key, answer)
            case FeaturesAnnounced(features):
                self._announced(features)
            case EnvironmentAnnounced(features):
                self._publish([change for feature in features for change in self._absorb(feature)])
            case AccessChanged(account_id):
                self._access_changed(account_id)
            case AudienceEmptied():
                pass
            case AskAgain(key):
                self._ask_again(key)
            case Evict():
                self._evict()
            case _:
                assert_never(message)
        if self._maybe_deserted:
            self._leave_if_deserted()

    # Keys -------------------------------------------------------------------------------------

    def _subscribe(self, message: Subscribe) -> None:
        streams = self._keys.get(message.key)
        if streams is None:
            streams = self._keys[message.key] = KeyStreams(
                message.key, evaluation_of(message.key), self._emptied
            )
        streams.waiting.append(message)
        self._ask(streams)

    def _key_answered(self, key: SdkKey, answer: KeyAnswer) -> None:
        streams = self._keys.get(key)
        if streams is None:
            return
        streams.asking = False
        self._answered(streams, answer)
        if streams.outdated:
            streams.outdated = False
            self._ask(streams)

    def _access_changed(self, account_id: ServiceAccountId | None) -> None:
        for streams in tuple(self._keys.values()):
            if account_id is None:
                self._notice_deletions(streams)
            if streams.asking:
                # The answer under way may be older than this change.
                streams.outdated = True
            elif streams.granted and account_id in {None, streams.granted.account_id}:
                self._ask(streams)

    def _notice_deletions(self, streams: KeyStreams) -> None:
        """Take what Dacha lists no more for deleted: nobody may have told us.

        Dacha hears of everything before we do, so what its newest answer lacks is gone.
        """
        newest = self._questions.find(streams.key)
        if not isinstance(newest, Granted):
            return
        listed = {feature.feature.id for feature in newest.features}
        self._publish(
            [
                change
                for feature in tuple(self._known.values())
                if feature.feature.id not in listed and newest.sees(feature)
                for change in self._delete(feature)
            ]
        )

    def _ask_again(self, key: SdkKey) -> None:
        if streams := self._keys.get(key):
            streams.waiting = [
                waiting for waiting in streams.waiting if not waiting.connection.closed
            ]
            self._maybe_deserted = True
            self._ask(streams)

    def _evict(self) -> None:
        for streams in tuple(self._keys.values()):
            waiting, streams.waiting = streams.waiting, []
            for subscribe in waiting:
                self._streams.end_stream(subscribe.connection, BYE)
            self._end(streams, BYE)
        self._maybe_deserted = True

    def _ask(self, streams: KeyStreams) -> None:
        if streams.asking or streams.empty:
            return
        answer = self._questions.find(streams.key)
        if answer is None:
            streams.asking = True
            self._questions.ask(streams.key)
        else:
            self._answered(streams, answer)

    def _answered(self, streams: KeyStreams, answer: KeyAnswer) -> None:
        match answer:
            case Granted():
                streams.failures = 0
                self._grant(streams, answer)
            case Denied():
                waiting, streams.waiting = streams.waiting, []
                for subscribe in waiting:
                    self._streams.end_stream(
                        subscribe.connection,
                        unknown_key(subscribe.form),
                        hold_seconds=UNKNOWN_KEY_HOLD_SECONDS,
                    )
                # A client that was let in is told to come back: then it hears the final word.
                self._end(streams, BYE)
                self._maybe_deserted = True
            case NotReady(reason):
                streams.failures += 1
                log.debug("key_not_ready", key=streams.key.masked, reason=reason)
                if self._me is not None:
                    pause_seconds = self._questions.pause_seconds(streams.failures)
                    self._me.tell_after(pause_seconds, AskAgain(streams.key))
            case _:
                assert_never(answer)

    def _grant(self, streams: KeyStreams, granted: Granted) -> None:
        before = streams.granted
        if before is not None and sees_differently(before, granted):
            self._end(streams, BYE)
        if before is not granted:
            self._publish(
                [change for feature in granted.features for change in self._absorb(feature)]
            )
        streams.granted = granted
        if not streams.waiting:
            return
        view = streams.view(granted, self._changes, self._known, self._gone)
        for subscribe in streams.waiting:
            if subscribe.connection.closed:
                continue
            if subscribe.held_etag != view.etag:
                event = self._first_event(subscribe, view, streams.evaluation)
                self._streams.send(subscribe.connection, event)
            if not subscribe.connection.closed:
                streams.join(subscribe)
        # Only now: should one of them have made us crash, all of them are told to come back.
        streams.waiting = []

    def _first_event(self, subscribe: Subscribe, view: Granted, evaluation: Evaluation) -> bytes:
        match subscribe.form:
            case StreamForm.FEATURES:
                features = self._views.features(view, evaluation, subscribe.context)
                event_id = encode_etag([view.etag], subscribe.context_tag)
                return encode_json("features", features, event_id)
            case StreamForm.NOTICES:
                return encode_notice(view.etag)
            case _:
                assert_never(subscribe.form)

    def _end(self, streams: KeyStreams, frame: bytes) -> None:
        for connection in streams.members():
            self._streams.end_stream(connection, frame)

    def _emptied(self) -> None:
        # The engine calls this from wherever a socket broke: the keys are looked through later,
        # in this actor's own turn; if one is under way or due, that one does it.
        self._maybe_deserted = True
        if self._me is not None and not self._me.is_stopped and self._me.is_idle:
            self._me.tell_nowait(AudienceEmptied())

    def _leave_if_deserted(self) -> None:
        self._maybe_deserted = False
        for streams in tuple(self._keys.values()):
            streams.forget_empty()
            if streams.empty and not streams.asking:
                del self._keys[streams.key]
        if not self._keys and self._me is not None:
            self._me.stop()

    # Features ---------------------------------------------------------------------------------

    def _announced(self, features: tuple[PublishFeatureValue, ...]) -> None:
        changes: list[Change] = []
        for published in features:
            if published.action is PublishAction.DELETE:
                changes += self._delete(published.feature)
            else:
                changes += self._absorb(published.feature)
        self._publish(changes)

    def _absorb(self, feature: CacheEnvironmentFeature) -> Iterable[Change]:
        """Take over what is newer in `feature`; return what that changes."""
        feature_id = feature.feature.id
        if (deleted_at := self._gone.get(feature_id)) is not None:
            if feature.feature.version <= deleted_at:
                return ()
            del self._gone[feature_id]
        known = self._known.get(feature_id)
        newest = feature if known is None else merged(known, feature)
        if newest is known:
            return ()
        self._known[feature_id] = newest
        self._changes += 1
        return ((known, newest),)

    def _delete(self, feature: CacheEnvironmentFeature) -> Iterable[Change]:
        feature_id = feature.feature.id
        known = self._known.pop(feature_id, None)
        version = max(feature.feature.version, known.feature.version if known else -1)
        if version <= self._gone.get(feature_id, -1):
            return ()
        self._gone[feature_id] = version
        self._changes += 1
        return ((known or feature, None),)

    def _publish(self, changes: Sequence[Change]) -> None:
        """Let everybody know of `changes` who may."""
        encoder = EventEncoder(self._states)
        for streams in tuple(self._keys.values()):
            granted = streams.granted
            live = streams.live()
            news = news_for(granted, changes) if granted and live else None
            if not granted or not news:
                continue
            tag = streams.view(granted, self._changes, self._known, self._gone).etag
            for found in live:
                if found.form is StreamForm.NOTICES:
                    self._streams.publish(found.audience, found.form, encode_notice(tag))
                    continue
                for item in news:
                    event = encoder.encode(item, streams.evaluation, granted, found.context)
                    if item is news[-1]:
                        # Whoever has come so far holds the whole view.
                        event = with_id(event, encode_etag([tag], found.context_tag))
                    self._streams.publish(found.audience, item.feature.feature.id, event)
