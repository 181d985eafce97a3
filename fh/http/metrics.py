"""What a Prometheus server reads of an HTTP face: `requests_total`, `response_2xx` and its
siblings, and `<operationId>_histogram`.
"""  # noqa: D205 -- the names read better in one sentence

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from fh.http.routing import AnyRoute, Reply, Request, Route


class HttpMetrics:
    """The counters of one HTTP face, in the registry of its process."""

    def __init__(self, registry: CollectorRegistry, routes: Sequence[AnyRoute]) -> None:
        self._requests = Counter("requests", "Requests received", registry=registry)
        self._responses = {
            hundred: Counter(f"response_{hundred}xx", f"Answers {hundred}xx", registry=registry)
            for hundred in range(2, 6)
        }
        self._operations = {
            name: Histogram(f"{name}_histogram", f"Seconds that {name} took", registry=registry)
            for name in sorted({route.operation_id for route in routes})
        }

    def received(self) -> None:
        """Count a request."""
        self._requests.inc()

    def answered(self, status: int) -> None:
        """Count an answer."""
        if counter := self._responses.get(status // 100):
            counter.inc()

    def took(self, operation_id: str, seconds: float) -> None:
        """Record the duration of one operation."""
        self._operations[operation_id].observe(seconds)


def exposition(registry: CollectorRegistry) -> tuple[bytes, str]:
    """Return all metrics of `registry` in Prometheus' text format, and its media type."""
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


def metrics_routes(registry: CollectorRegistry) -> Sequence[AnyRoute]:
    """Return the route that a Prometheus server scrapes."""

    async def metrics(_: Request[None, None, None]) -> Reply:
        body, content_type = exposition(registry)
        return Reply(body, content_type=content_type)

    return [
        Route(
            "GET",
            "/metrics",
            "metrics",
            metrics,
            tag="Operations",
            authenticated=False,
            stays=True,
        ),
    ]
