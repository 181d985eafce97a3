"""Edge, and TLS and HTTP/2 beside it on the same port, wherever they run."""

import socket

import trio

from fh.actors.child import ServiceSpec
from fh.contracts.answers import KeyLookup
from fh.contracts.updates import FeatureUpdates
from fh.edge.edge import Edge
from fh.edge.garbage import collect_garbage
from fh.edge.lag import LagMeter
from fh.edge.life import TakeAway
from fh.edge.pages import Pages
from fh.edge.settings import EdgeSettings
from fh.http.asgi import AsgiApp
from fh.roles.secure import SecureParts
from fh.roles.settings.edge import EdgePartSettings


class EdgeParts:
    """What an Edge consists of, the cache and the door left out.

    Attributes:
        edge: What connections are given to.
        collector: The figures of TLS for Prometheus.
        lag: Measures how late the event loop is.
        reload: Reads the certificate's files anew; None without one.
    """

    def __init__(
        self,
        lookup: KeyLookup,
        updates: FeatureUpdates,
        settings: EdgePartSettings,
        elsewhere: TakeAway | Pages,
        app: AsgiApp | Pages,
        *,
        narrowed: EdgeSettings | None = None,
        newest: KeyLookup | None = None,
    ) -> None:
        """Pass on what is not Edge's: plain connections to `elsewhere`, requests in TLS to `app`.

        `narrowed` stands for what `settings` say of Edge, where a role can do less. By `newest`
        test writes are decided, where `lookup` may be behind.
        """
        edge_settings = narrowed or settings.edge()
        files = settings.key_pair()
        self.edge = Edge(
            lookup, updates, edge_settings, elsewhere, self.take_other_protocol, newest
        )
        self._secure = SecureParts(
            self.edge,
            app,
            edge_settings,
            files,
            look_seconds=settings.tls_look_seconds,
            most_connections=settings.tls_connections,
        )
        self.collector = self._secure.collector
        self.reload = self._secure.reload if files else None
        self.lag = LagMeter()
        self._drain_seconds = settings.grace_seconds + 2.0

    def take_other_protocol(self, taken: socket.socket, data: bytes) -> None:
        """Serve a connection that begins with TLS or HTTP/2."""
        self._secure.take(taken, data)

    def specs(self) -> list[ServiceSpec]:
        """Return the services, in the order of their start."""
        edge = ServiceSpec(
            "edge", self.edge.run, drain=self.edge.drain, drain_seconds=self._drain_seconds
        )
        return [
            *self._secure.specs(drain_seconds=self._drain_seconds),
            ServiceSpec("garbage", self._collect_garbage),
            ServiceSpec("lag", self.lag.run),
            edge,
        ]

    async def _collect_garbage(self, *, task_status: trio.TaskStatus[None]) -> None:
        await collect_garbage(lambda: self.edge.is_writing, task_status=task_status)
