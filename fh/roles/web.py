"""The web application of a role that has no Edge on its port, and the port for operators."""

import socket
import ssl
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from fh.actors.child import ServiceSpec
from fh.edge.door import Door, raise_descriptor_limit
from fh.edge.pages import Authenticate
from fh.http.certificate import Certificate
from fh.http.conversation import Terms
from fh.http.metrics import HttpMetrics
from fh.http.operations import on_public_port
from fh.http.problem import Problem
from fh.http.quart_app import Face, WebApp, create_app
from fh.http.routing import AnyRoute, below
from fh.http.secure_face import FaceLimits, SecureFace
from fh.http.web_face import WebFace
from fh.roles.settings.listening import ListeningSettings


class OperatorsWeb:
    """Probes and metrics: on a port of their own, or on everybody's."""

    def __init__(
        self,
        routes: Sequence[AnyRoute],
        settings: ListeningSettings,
        monitor: socket.socket | None,
        authenticate: Authenticate | None = None,
    ) -> None:
        """Serve `routes` behind `monitor`; without it they are for the other port."""
        self.elsewhere = on_public_port(routes, monitor)
        self._web = (
            WebParts(
                plain_app(routes, settings, CollectorRegistry(), authenticate or _nobody),
                settings,
                monitor,
                for_operators=True,
            )
            if monitor
            else None
        )

    @property
    def doors(self) -> Sequence[Door]:
        """The port of their own, if there is one."""
        return [self._web.door] if self._web else []

    def specs(self) -> Sequence[ServiceSpec]:
        """Return the services, the door left out."""
        return self._web.specs("operations") if self._web else []


async def _nobody(_: str | None) -> None:
    raise Problem(401)


def plain_app(
    routes: Sequence[AnyRoute],
    settings: ListeningSettings,
    registry: CollectorRegistry,
    authenticate: Authenticate = _nobody,
) -> WebApp:
    """Return a web application whose routes know no callers, or know them by a key of their own."""
    routes = below(settings.root, routes)
    return create_app(
        Face(
            routes=routes,
            authenticate=authenticate,
            refusals={},
            metrics=HttpMetrics(registry, routes),
            cors=settings.cors(),
        )
    )


class WebParts:
    """A port and the web application behind it, with TLS where there is a certificate."""

    def __init__(
        self,
        app: WebApp,
        settings: ListeningSettings,
        listener: socket.socket,
        *,
        for_operators: bool = False,
    ) -> None:
        self._drain_seconds = settings.grace_seconds + 2.0
        files = None if for_operators else settings.key_pair()
        self._certificate = (
            Certificate(files, look_seconds=settings.tls_look_seconds) if files else None
        )
        self._face: WebFace | SecureFace
        if self._certificate is None:
            self._face = WebFace(app, terms=Terms())
        else:
            self._face = SecureFace(
                app,
                self._context,
                limits=FaceLimits(connections=settings.tls_connections),
            )
        self.door = Door(listener, self._adopt, descriptors=raise_descriptor_limit())

    @property
    def reload(self) -> Callable[[], None] | None:
        """What reads the certificate's files anew; None without one."""
        return None if self._certificate is None else self._certificate.reload

    def specs(self, name: str = "web") -> list[ServiceSpec]:
        """Return the services, the door left out."""
        face = ServiceSpec(
            name, self._face.run, drain=self._face.drain, drain_seconds=self._drain_seconds
        )
        if self._certificate is None:
            return [face]
        return [ServiceSpec(f"{name}-certificate", self._certificate.run), face]

    def _context(self) -> ssl.SSLContext | None:
        return None if self._certificate is None else self._certificate.context

    def _adopt(self, descriptor: int) -> None:
        self._face.take(socket.socket(fileno=descriptor), b"")
