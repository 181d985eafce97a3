"""The subscriptions of one life of Edge: one actor for each environment with streams.

A subscription that crashes is not restarted: what its streams had been sent is lost with it. They
are told to come back, and the first of them starts a new one.
"""

import random
from contextlib import suppress

import structlog
import trio

from fh.actors.child import ActorSpec
from fh.actors.errors import ActorStopped
from fh.actors.mailbox import Mailbox
from fh.actors.ref import Ref
from fh.actors.restart import Restart
from fh.actors.supervisor import Supervisor
from fh.bus.port import Delivery
from fh.contracts.answers import Denied, Granted, KeyAnswer, KeyLookup, NotReady
from fh.edge.encoded import EncodedViews
from fh.edge.engine import Engine
from fh.edge.evaluation import FeatureStates
from fh.edge.listener import addressed
from fh.edge.messages import Evict, KeyAnswered, Subscribe, SubscriptionMessage
from fh.edge.orders import Orders
from fh.edge.response import BYE
from fh.edge.settings import EdgeSettings
from fh.edge.subscription import EnvironmentSubscription
from fh.model.ids import EnvironmentId, ServiceAccountId
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
        orders: Orders,
    ) -> None:
        self._lookup = lookup
        self._settings = settings
        self._engine = engine
        self._views = views
        self._states = states
        self._orders = orders
        self._nursery: trio.Nursery | None = None
        self._supervisor = Supervisor("subscriptions")
        self._refs: dict[EnvironmentId, Ref[SubscriptionMessage]] = {}
        self._jitter = random.Random()  # noqa: S311  spreads retries, guards nothing

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Keep the subscriptions and their questions alive until cancelled."""
        async with trio.open_nursery() as self._nursery:
            await self._nursery.start(self._supervisor.run)
            task_status.started()
            await trio.sleep_forever()

    def is_unknown(self, key: SdkKey) -> bool:
        """Return whether it is known that there is no such key, and no subscription to say so.

        None is started for it: another that has streams might have to make room.
        """
        return key.environment_id not in self._refs and isinstance(self.find(key), Denied)

    def subscribe(self, message: Subscribe) -> None:
        """Give a stream to the subscription of its environment."""
        environment_id = message.key.environment_id
        ref = self._refs.get(environment_id) or self._spawn(environment_id)
        try:
            ref.tell_nowait(message)
        except ActorStopped:
            # Its subscription is just leaving, deserted: the client meets the next one.
            self._engine.end_stream(message.connection, BYE)

    async def on_delivery(self, delivery: Delivery, committed_at: float | None) -> None:
        """Put what the bus delivers into the mailboxes it concerns."""
        for environment_id, message in addressed(delivery, committed_at):
            keys = tuple(self._refs) if environment_id is None else (environment_id,)
            for key in keys:
                if ref := self._refs.get(key):
                    try:
                        await ref.tell(message)
                    except ActorStopped:
                        continue  # Deserted: nobody is left to be told.

    # Surroundings -----------------------------------------------------------------------------

    def ask(self, key: SdkKey) -> None:
        """Have the answer about `key` loaded and told to the subscription."""
        assert self._nursery is not None
        self._nursery.start_soon(self._ask, key)

    def find(self, key: SdkKey) -> Granted | Denied | None:
        """Return the answer about `key` if it is in memory."""
        return self._lookup.find_key(key)

    def is_paused(self, key: SdkKey, account_id: ServiceAccountId) -> bool:
        """Return whether operators want a key, or its account, to be put off for a while."""
        return self._orders.has_pauses and self._orders.paused_seconds(key, account_id) > 0

    def pause_seconds(self, failures: int) -> float:
        """Return how long to wait before asking again after so many failures."""
        settings = self._settings
        longest = min(
            settings.retry_first_seconds * 2.0 ** min(failures - 1, 30),
            settings.retry_maximum_seconds,
        )
        return longest * self._jitter.uniform(0.5, 1)

    def subscription_ended(self, environment_id: EnvironmentId) -> None:
        """Let the next stream of the environment start a new one."""
        del self._refs[environment_id]

    async def _ask(self, key: SdkKey) -> None:
        answer = await load_in_time(self._lookup, key, self._settings.load_seconds)
        if ref := self._refs.get(key.environment_id):
            with suppress(ActorStopped):  # Deserted: nobody waits for the answer.
                await ref.tell(KeyAnswered(key, answer))

    def _spawn(self, environment_id: EnvironmentId) -> Ref[SubscriptionMessage]:
        if len(self._refs) >= self._settings.environments:
            self._make_room()
        subscription = EnvironmentSubscription(
            environment_id, self._engine, self, self._views, self._states
        )
        spec = ActorSpec(
            f"environment/{environment_id}",
            subscription.itself,
            mailbox=_MAILBOX,
            restart=Restart.TEMPORARY,
            ended=subscription.ended,
        )
        ref = self._refs[environment_id] = self._supervisor.spawn(spec)
        subscription.meet(ref)
        return ref

    def _make_room(self) -> None:
        oldest = next(iter(self._refs))
        if ref := self._refs.get(oldest):
            log.warning("environment_evicted", environment_id=str(oldest))
            ref.tell_nowait(Evict())
