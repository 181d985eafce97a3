from prometheus_client import CollectorRegistry

from fh.http.health import HealthChecks
from fh.http.operations import operations_routes


def test_probes_and_metrics_are_there_for_everybody():
    routes = operations_routes(HealthChecks(), CollectorRegistry())
    assert {route.path for route in routes} == {
        "/",
        "/health/liveness",
        "/health/readiness",
        "/health/readyness",
        "/metrics",
    }
    assert not any(route.authenticated for route in routes)
