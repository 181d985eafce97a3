"""What operators and orchestrators ask a process, whatever its role: probes and metrics."""

import socket
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from fh.http.health import HealthChecks, health_routes, presence_routes
from fh.http.metrics import metrics_routes
from fh.http.routing import AnyRoute


def operations_routes(health: HealthChecks, registry: CollectorRegistry) -> Sequence[AnyRoute]:
    """Return the routes: probes, metrics, and the word that load balancers look for."""
    return [*health_routes(health), *metrics_routes(registry)]


def on_public_port(routes: Sequence[AnyRoute], monitor: socket.socket | None) -> Sequence[AnyRoute]:
    """Return which of the `routes` everybody's port has: all, without a port of their own.

    That there is somebody is said on both.
    """
    return presence_routes() if monitor else routes
