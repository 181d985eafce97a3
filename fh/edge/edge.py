"""Edge as the rest of the process holds on to it.

All that it knows lives in one life, from start to end of `run`: after a crash a new life starts
with nothing, and clients reconnect.
"""

import socket

import trio

from fh.bus.port import Delivery
from fh.contracts.answers import KeyLookup
from fh.contracts.updates import FeatureUpdates
from fh.edge.census import Census, Wanted
from fh.edge.dismissal import Dismissal
from fh.edge.engine_statistics import EngineStatistics
from fh.edge.evaluation import FeatureStates
from fh.edge.life import Life, TakeAway
from fh.edge.orders import Orders
from fh.edge.pages import Pages
from fh.edge.poller import new_poller
from fh.edge.settings import EdgeSettings


class Edge:
    """Serves polls, streams and test writes; everything else goes elsewhere.

    Connections that begin with TLS or HTTP/2 are given to `take_other_protocol`; without it they
    are closed. Test writes are decided by `newest` where there is one that is never behind what
    `updates` change.

    Attributes:
        orders: What operators want; whoever changes it calls `obey`.
    """

    def __init__(
        self,
        lookup: KeyLookup,
        updates: FeatureUpdates,
        settings: EdgeSettings,
        elsewhere: TakeAway | Pages,
        take_other_protocol: TakeAway | None = None,
        newest: KeyLookup | None = None,
    ) -> None:
        self._lookup = lookup
        self._newest = newest
        self._updates = updates
        self._settings = settings
        self._elsewhere = elsewhere
        self._take_other_protocol = take_other_protocol or _close
        self._states = FeatureStates()
        self.orders = Orders()
        self._life: Life | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled, or until `drain` has said goodbye to every stream."""
        poller = new_poller(portable=self._settings.portable_engine)
        life = Life(
            self._lookup,
            self._updates,
            self._settings,
            self._elsewhere,
            self._take_other_protocol,
            poller,
            self._states,
            self._newest,
            self.orders,
        )
        self._life = life
        try:
            await life.run(task_status)
        finally:
            self._life = None

    @property
    def life(self) -> Life | None:
        """What serves at the moment, for those that bring requests another way."""
        return self._life

    def drain(self) -> None:
        """Say goodbye to every stream, spread over the grace period; then `run` returns."""
        if self._life is not None:
            self._life.draining.set()

    def adopt(self, descriptor: int) -> None:
        """Take over a connected, non-blocking socket.

        Raises:
            RuntimeError: Edge is not running.
        """
        if self._life is None:
            raise RuntimeError("Edge is not running")
        self._life.engine.adopt(descriptor)

    def take(self, taken: socket.socket, data: bytes) -> None:
        """Serve a connection that another process began to read; not running, close it."""
        if self._life is None:
            taken.close()
            return
        taken.settimeout(0)
        self._life.engine.adopt(taken.detach(), data)

    async def on_delivery(self, delivery: Delivery, committed_at: float | None = None) -> None:
        """Hand what the bus delivers to the subscriptions; without streams it is dropped."""
        if self._life is not None:
            await self._life.on_delivery(delivery, committed_at)

    @property
    def is_writing(self) -> bool:
        """Whether a broadcast is under way."""
        return self._life is not None and self._life.engine.is_writing

    def obey(self) -> None:
        """Go by the orders that are in force by now."""
        if self._life is not None:
            self._life.obey()

    def dismiss(self, dismissal: Dismissal) -> int:
        """Begin to say goodbye to streams; return to how many."""
        return 0 if self._life is None else self._life.dismiss(dismissal)

    async def census(self, wanted: Wanted) -> Census:
        """Return who has streams here."""
        return Census() if self._life is None else await self._life.census(wanted)

    def statistics(self) -> EngineStatistics | None:
        """Return the engine's counts, or None while there is no engine."""
        return self._life.engine.statistics() if self._life is not None else None

    def patterns_cut_off(self) -> int:
        """Return how many regular expressions were given up because they took too long."""
        return self._states.patterns_cut_off


def _close(taken: socket.socket, _: bytes) -> None:
    taken.close()
