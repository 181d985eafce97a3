"""The parts of a role that speak TLS and HTTP/2 on its port."""

import socket
import ssl
from datetime import datetime

from fh.actors.child import ServiceSpec
from fh.edge.asgi import EdgeApp
from fh.edge.edge import Edge
from fh.edge.gate import TurnedAway
from fh.edge.pages import Pages
from fh.edge.request import OpenSocket
from fh.edge.settings import EdgeSettings
from fh.edge.websocket import serve_socket
from fh.http.asgi import AsgiApp
from fh.http.certificate import Certificate
from fh.http.conversation import Terms
from fh.http.key_pair import KeyPairFiles
from fh.http.secure_face import FaceLimits, SecureFace
from fh.http.secure_metrics import SecureCollector
from fh.http.speakers import TakeStream
from fh.wire.http_head import RequestHead


class SecureParts:
    """The certificate, if there is one, and who serves the connections that Edge does not read."""

    def __init__(
        self,
        edge: Edge,
        elsewhere: AsgiApp | Pages,
        settings: EdgeSettings,
        files: KeyPairFiles | None,
        *,
        look_seconds: float,
        most_connections: int,
    ) -> None:
        self._edge = edge
        self._certificate = Certificate(files, look_seconds=look_seconds) if files else None
        self._face = SecureFace(
            EdgeApp(edge, settings, elsewhere),
            self._context,
            limits=FaceLimits(connections=most_connections, send_seconds=settings.slow_seconds),
            terms=Terms(first_seconds=settings.head_seconds, idle_seconds=settings.idle_seconds),
            take_upgrade=self._take_upgrade,
        )
        self.collector = SecureCollector(self._face.statistics, self._ends_at)

    def specs(self, drain_seconds: float) -> list[ServiceSpec]:
        """Return the services, in the order of their start: before Edge, and so after its end.

        Edge says goodbye to every stream; only then are there no requests under way any more.
        """
        face = ServiceSpec(
            "secure", self._face.run, drain=self._face.drain, drain_seconds=drain_seconds
        )
        if self._certificate is None:
            return [face]
        return [ServiceSpec("certificate", self._certificate.run), face]

    def take(self, taken: socket.socket, data: bytes) -> None:
        """Serve a connection that begins with TLS or HTTP/2; `data` was read of it already."""
        self._face.take(taken, data)

    def reload(self) -> None:
        """Read the certificate's files now."""
        if self._certificate is not None:
            self._certificate.reload()

    def _context(self) -> ssl.SSLContext | None:
        return None if self._certificate is None else self._certificate.context

    def _ends_at(self) -> datetime | None:
        return None if self._certificate is None else self._certificate.ends_at

    def _take_upgrade(self, head: RequestHead, address: str) -> TakeStream | None:
        life = self._edge.life
        if life is None:
            return None

        def peer() -> str:
            return address

        asked = life.decide(head, peer)
        if not isinstance(asked, OpenSocket | TurnedAway):
            return None
        return lambda stream, data: serve_socket(stream, data, asked, life, peer)
