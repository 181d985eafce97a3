"""The subscriptions of one life of Edge: one actor for each environment with streams.

A subscription that crashes is not restarted: what its streams had been sent is lost with it. They
are told to come back, and the first of them starts a new one.
"""

import random
from collections.abc import Callable
from contextlib import suppress

import structlog
import trio

from fh.actors.child import ActorSpec
from fh.actors.errors import ActorStopped
from fh.actors.mailbox import Mailbox
from fh.actors.monitor import Ended
from fh.actors.ref import Ref
from fh.actors.registry import Registry
from fh.actors.restart import Restart
from fh.actors.supervisor import Supervisor
from fh.bus.port import Delivery
from fh.contracts.answers import Denied, Granted, KeyAnswer, KeyLookup, NotReady
from fh.edge.encoded import EncodedViews
from fh.edge.engine import Engine
from fh.edge.evaluation import FeatureStates
from fh.edge.listener import addressed
from fh.edge.messages import Evict, KeyAnswered, Subscribe, SubscriptionMessage
from fh.edge.response import BYE
from fh.edge.settings import EdgeSettings
from fh.edge.subscription import EnvironmentSubscription
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()

_MAILBOX = Mailbox(capacity=1024)


async def load_in_time(lookup: KeyLookup, key: SdkKey, seconds: float) -> KeyAnswer:
    """Return Dacha's answer, NotReady when it takes longer than `seconds` or fails."""
    with trio.move_on_after(seconds):
        try:
            return await lookup.load_key(key)
        except Exception:
            # A request ends here: a bug behind one key must not end everybody's streams.
            log.exception("key_lookup_failed", key=key.masked)
            return NotReady("the lookup failed")
    return NotReady("no answer in time")


class Subscriptions:
    """Finds or starts the subscription of an environment and passes on what concerns it."""

    def __init__(
        self,
        lookup: KeyLookup,
        settings: EdgeSettings,
        engine: Engine,
        views: EncodedViews,
        states: FeatureStates,
    ) -> None:
        self._lookup = lookup
        self._settings = settings
        self._engine = engine
        self._views = views
        self._states = states
        self._nursery: trio.Nursery | None = None
        self._supervisor = Supervisor("subscriptions")
        self._registry: Registry[EnvironmentId, SubscriptionMessage] = Registry()
        self._jitter = random.Random()  # noqa: S311  spreads retries, guards nothing

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Keep the subscriptions and their questions alive until cancelled."""
        async with trio.open_nursery() as self._nursery:
            await self._nursery.start(self._supervisor.run)
            task_status.started()
            await trio.sleep_forever()

    def subscribe(self, message: Subscribe) -> None:
        """Give a stream to the subscription of its environment."""
        environment_id = message.key.environment_id
        ref = self._registry.find(environment_id) or self._spawn(environment_id)
        try:
            ref.tell_nowait(message)
        except ActorStopped:
            # Its subscription is just leaving, deserted: the client meets the next one.
            self._engine.end_stream(message.connection, BYE)

    async def on_delivery(self, delivery: Delivery) -> None:
        """Put what the bus delivers into the mailboxes it concerns."""
        for environment_id, message in addressed(delivery):
            keys = tuple(self._registry.keys()) if environment_id is None else (environment_id,)
            for key in keys:
                if ref := self._registry.find(key):
                    with suppress(ActorStopped):  # Deserted: nobody is left to be told.
                        await ref.tell(message)

    def ask(self, environment_id: EnvironmentId, key: SdkKey) -> None:
        """Have the answer about `key` loaded and told to the subscription."""
        assert self._nursery is not None
        self._nursery.start_soon(self._ask, environment_id, key)

    def find(self, key: SdkKey) -> Granted | Denied | None:
        """Return the answer about `key` if it is in memory."""
        return self._lookup.find_key(key)

    def pause_seconds(self, failures: int) -> float:
        """Return how long to wait before asking again after so many failures."""
        settings = self._settings
        longest = min(
            settings.retry_first_seconds * 2.0 ** min(failures - 1, 30),
            settings.retry_maximum_seconds,
        )
        return longest * self._jitter.uniform(0.5, 1)

    async def _ask(self, environment_id: EnvironmentId, key: SdkKey) -> None:
        answer = await load_in_time(self._lookup, key, self._settings.load_seconds)
        if ref := self._registry.find(environment_id):
            with suppress(ActorStopped):  # Deserted: nobody waits for the answer.
                await ref.tell(KeyAnswered(key, answer))

    def _spawn(self, environment_id: EnvironmentId) -> Ref[SubscriptionMessage]:
        if len(self._registry) >= self._settings.environments:
            self._make_room()
        subscription = EnvironmentSubscription(
            self._engine, _Questions(self, environment_id), self._views, self._states
        )
        ref = self._supervisor.spawn(
            ActorSpec(
                f"environment/{environment_id}",
                lambda: subscription,
                mailbox=_MAILBOX,
                restart=Restart.TEMPORARY,
            )
        )
        self._registry.register(environment_id, ref)
        ref.when_ended(self._farewell_to(subscription))
        return ref

    def _farewell_to(self, subscription: EnvironmentSubscription) -> Callable[[Ended], None]:
        def on_end(_: Ended) -> None:
            for connection in subscription.connections():
                self._engine.end_stream(connection, BYE)

        return on_end

    def _make_room(self) -> None:
        oldest = next(iter(self._registry.keys()))
        if ref := self._registry.find(oldest):
            log.warning("environment_evicted", environment_id=str(oldest))
            ref.tell_nowait(Evict())


class _Questions:
    """The questions of one environment's subscription."""

    def __init__(self, subscriptions: Subscriptions, environment_id: EnvironmentId) -> None:
        self._subscriptions = subscriptions
        self._environment_id = environment_id
        self.find = subscriptions.find
        self.pause_seconds = subscriptions.pause_seconds

    def ask(self, key: SdkKey) -> None:
        self._subscriptions.ask(self._environment_id, key)
