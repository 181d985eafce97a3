"""One environment with at least one stream.

It is an actor because answers about keys, announced changes and leaving clients race. It alone
knows what its streams have been sent: the newest version of every feature that any answer or
announcement brought. What is newer goes to every stream that may see it, what is not goes to
none; so no stream falls behind, and none ever sees a version go back, in whatever order Dacha's
answers and the bus's announcements arrive.
"""

from collections.abc import Sequence
from typing import assert_never

import structlog
import trio

from fh.actors.actor import Actor
from fh.actors.monitor import Ended
from fh.actors.ref import Ref
from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.contracts.published import PublishAction, PublishFeatureValue
from fh.edge.changes import Change, EventEncoder, news_for
from fh.edge.connection import Connection
from fh.edge.encoded import EncodedViews
from fh.edge.evaluation import FeatureStates
from fh.edge.few import Few
from fh.edge.key_streams import KeyStreams
from fh.edge.known import KnownFeatures
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
    TurnCame,
)
from fh.edge.ports import Streams, Surroundings
from fh.edge.request import StreamForm
from fh.edge.response import BYE, UNKNOWN_KEY_HOLD_SECONDS, unknown_key
from fh.edge.view import sees_differently
from fh.model.ids import EnvironmentId, ServiceAccountId
from fh.model.sdk_key import SdkKey
from fh.wire.etag import encode_etag
from fh.wire.ofrep import encode_notice
from fh.wire.sse import share_json, with_id

log = structlog.get_logger()


class EnvironmentSubscription(Actor[SubscriptionMessage]):
    """The only owner of the streams of one environment."""

    __slots__ = (
        "_environment_id",
        "_keys",
        "_known",
        "_maybe_deserted",
        "_me",
        "_states",
        "_streams",
        "_surroundings",
        "_views",
    )

    def __init__(
        self,
        environment_id: EnvironmentId,
        streams: Streams,
        surroundings: Surroundings,
        views: EncodedViews,
        states: FeatureStates,
    ) -> None:
        self._environment_id = environment_id
        self._streams = streams
        self._surroundings = surroundings
        self._views = views
        self._states = states
        self._keys: Few[SdkKey, KeyStreams] = Few()
        self._known = KnownFeatures()
        self._maybe_deserted = False
        self._me: Ref[SubscriptionMessage] | None = None

    def meet(self, me: Ref[SubscriptionMessage]) -> None:
        """Learn how to be told of retries and of leaving clients, before the first message.

        Not by `started`, which would take a task for each environment's first stream.
        """
        self._me = me

    def itself(self) -> "EnvironmentSubscription":
        """Return this: it has one life."""
        return self

    def ended(self, _: Ended) -> None:
        """Tell every stream that is served or waits to come back: this actor is over."""
        self._surroundings.subscription_ended(self._environment_id)
        connections = [
            connection for streams in self._keys.values() for connection in streams.connections()
        ]
        for connection in connections:
            self._streams.end_stream(connection, BYE)

    def react(self, message: SubscriptionMessage) -> None:
        """Handle one message; nothing here waits."""
        match message:
            case Subscribe():
                self._subscribe(message)
            case KeyAnswered(key, answer):
                self._key_answered(key, answer)
            case FeaturesAnnounced(features, committed_at):
                self._announced(features, committed_at)
            case EnvironmentAnnounced(features, committed_at):
                changes = self._refreshed()
                for feature in features:
                    changes += self._known.absorb(feature)
                self._publish(changes, committed_at)
            case AccessChanged(account_id):
                self._access_changed(account_id)
            case AudienceEmptied():
                pass
            case AskAgain(key):
                self._ask_again(key)
            case TurnCame(key, connection):
                self._turn_came(key, connection)
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
            streams = KeyStreams(message.key, self)
            self._keys.put(message.key, streams)
        streams.wait(message)
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
        newest = self._surroundings.find(streams.key)
        if isinstance(newest, Granted):
            self._publish(self._known.lose(newest))

    def _ask_again(self, key: SdkKey) -> None:
        if streams := self._keys.get(key):
            streams.forget_closed()
            self._maybe_deserted = True
            self._ask(streams)

    def _evict(self) -> None:
        for streams in tuple(self._keys.values()):
            self._dismiss(streams)
        self._maybe_deserted = True

    def _ask(self, streams: KeyStreams) -> None:
        if streams.asking or streams.empty:
            return
        answer = self._surroundings.find(streams.key)
        if answer is None:
            streams.asking = True
            self._surroundings.ask(streams.key)
        else:
            self._answered(streams, answer)

    def _answered(self, streams: KeyStreams, answer: KeyAnswer) -> None:
        match answer:
            case Granted(account_id=account_id) if self._surroundings.is_paused(
                streams.key, account_id
            ):
                self._dismiss(streams)
                self._maybe_deserted = True
            case Granted():
                streams.failures = 0
                self._grant(streams, answer)
            case Denied():
                for subscribe in streams.end_waiting():
                    self._streams.end_stream(
                        subscribe.connection,
                        unknown_key(subscribe.form),
                        hold_seconds=UNKNOWN_KEY_HOLD_SECONDS,
                    )
                # A client that was let in is told to come back: then it hears the final word.
                self._end(streams)
                self._maybe_deserted = True
            case NotReady(reason):
                streams.failures += 1
                log.debug("key_not_ready", key=streams.key.masked, reason=reason)
                if self._me is not None:
                    pause_seconds = self._surroundings.pause_seconds(streams.failures)
                    self._me.tell_after(pause_seconds, AskAgain(streams.key))
            case _:
                assert_never(answer)

    def _grant(self, streams: KeyStreams, granted: Granted) -> None:
        before = streams.granted
        if before is not None and sees_differently(before, granted):
            self._end(streams)
        if before is not granted:
            self._publish(self._known.take_over(granted.features))
        streams.granted = granted
        if not streams.waiting:
            return
        view = streams.view(granted, self._known)
        for subscribe in streams.waiting:
            if subscribe.connection.closed:
                self._maybe_deserted = True
            elif self._owes_features(streams, subscribe, view) and not self._streams.enter(
                subscribe.connection, streams
            ):
                streams.wait_for_turn(subscribe)
            else:
                self._serve(streams, subscribe, view)
        # Only now: should one of them have made us crash, all of them are told to come back.
        streams.answered()

    def _owes_features(self, streams: KeyStreams, subscribe: Subscribe, view: Granted) -> bool:
        return subscribe.form is StreamForm.FEATURES and (
            subscribe.held_etag != view.etag
            # The same view may come to something else by now.
            or self._views.depend_on_time(view, streams.evaluation)
        )

    def _turn_came(self, key: SdkKey, connection: Connection) -> None:
        streams = self._keys.get(key)
        subscribe = streams.find_turn(connection) if streams is not None else None
        if streams is None or subscribe is None:
            return
        newest = None if streams.asking else self._surroundings.find(key)
        if isinstance(newest, Granted) and not self._surroundings.is_paused(key, newest.account_id):
            self._grant(streams, newest)
            self._serve(streams, subscribe, streams.view(newest, self._known))
            streams.end_turn(connection)
        else:
            streams.end_turn(connection)
            streams.wait(subscribe)
            self._ask(streams)

    def _serve(self, streams: KeyStreams, subscribe: Subscribe, view: Granted) -> None:
        """Send a stream what it lacks of `view`, and have it sent what comes after that."""
        connection = subscribe.connection
        if subscribe.form is StreamForm.NOTICES and subscribe.held_etag != view.etag:
            self._streams.send(connection, encode_notice(view.etag))
        elif self._owes_features(streams, subscribe, view):
            features = self._views.features_lately(
                view, streams.evaluation, subscribe.context, trio.current_time()
            )
            event_id = encode_etag([view.etag], subscribe.context_tag)
            self._streams.send_features(connection, share_json("features", features, event_id))
        if connection.closed:
            self._maybe_deserted = True
        else:
            streams.join(subscribe)

    def _dismiss(self, streams: KeyStreams) -> None:
        for subscribe in streams.end_waiting():
            self._streams.end_stream(subscribe.connection, BYE)
        self._end(streams)

    def _end(self, streams: KeyStreams) -> None:
        for connection in streams.members():
            self._streams.end_stream(connection, BYE)

    def audience_emptied(self) -> None:
        """See `KeyStreamsOwner`."""
        # The engine calls this from wherever a socket broke: the keys are looked through later,
        # in this actor's own turn; if one is under way or due, that one does it.
        self._maybe_deserted = True
        if self._me is not None and not self._me.is_stopped and self._me.is_idle:
            self._me.tell_nowait(AudienceEmptied())

    def turn_came(self, streams: KeyStreams, connection: Connection) -> None:
        """See `KeyStreamsOwner`."""
        if self._me is not None and not self._me.is_stopped:
            self._me.tell_nowait(TurnCame(streams.key, connection))

    def _leave_if_deserted(self) -> None:
        self._maybe_deserted = False
        for streams in tuple(self._keys.values()):
            streams.forget_empty()
            if streams.empty and not streams.asking:
                self._keys.pop(streams.key)
        if not self._keys and self._me is not None:
            self._me.stop()

    # Features ---------------------------------------------------------------------------------

    def _announced(
        self, features: tuple[PublishFeatureValue, ...], committed_at: float | None
    ) -> None:
        changes = self._refreshed()
        for published in features:
            if published.action is PublishAction.DELETE:
                changes += self._known.delete(published.feature)
            else:
                changes += self._known.absorb(published.feature)
        self._publish(changes, committed_at)

    def _refreshed(self) -> list[Change]:
        """Take over what Dacha has in memory by now; return what that changes.

        It heard of an announcement before we did. Its views have their etags already, and what is
        known here is shared with it.
        """
        changes: list[Change] = []
        for streams in self._keys.values():
            before = streams.granted
            newest = None if before is None else self._surroundings.find(streams.key)
            # What a change of access means is for AccessChanged to decide.
            if before is None or not isinstance(newest, Granted):
                continue
            if newest is not before and not sees_differently(before, newest):
                changes += self._known.take_over(newest.features)
                streams.granted = newest
        return changes

    def _publish(self, changes: Sequence[Change], committed_at: float | None = None) -> None:
        """Let everybody know of `changes` who may."""
        if not changes:
            return
        encoder = EventEncoder(self._states)
        somebody_may = False
        for streams in tuple(self._keys.values()):
            granted = streams.granted
            live = streams.live()
            news = news_for(granted, changes, self._known) if granted and live else None
            if not granted or not news:
                continue
            somebody_may = True
            tag = streams.view(granted, self._known).etag
            for audience in live:
                if audience.form is StreamForm.NOTICES:
                    self._streams.publish(audience, audience.form, encode_notice(tag))
                    continue
                for item in news:
                    event = encoder.encode(item, streams.evaluation, granted, audience.context)
                    if item is news[-1]:
                        # Whoever has come so far holds the whole view.
                        event = with_id(event, encode_etag([tag], audience.context_tag))
                    self._streams.publish(audience, item.subject, event)
        if somebody_may and committed_at is not None:
            self._streams.mark(committed_at)
