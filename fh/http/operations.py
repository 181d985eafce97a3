"""What operators and orchestrators ask a process, whatever its role: probes and metrics."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from fh.http.health import HealthChecks, health_routes
from fh.http.metrics import metrics_routes
from fh.http.routing import AnyRoute


def operations_routes(health: HealthChecks, registry: CollectorRegistry) -> Sequence[AnyRoute]:
    """Return the routes: probes, metrics, and the word that load balancers look for."""
    return [*health_routes(health), *metrics_routes(registry)]
