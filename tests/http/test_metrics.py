from prometheus_client import CollectorRegistry

from fh.http.metrics import HttpMetrics, exposition, metrics_routes
from fh.http.routing import Request, Route


async def nothing(_: Request[None, None, None]) -> None: ...


def test_answers_and_operations_are_counted():
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry, [Route("GET", "/a", "getA", nothing, tag="T")])
    metrics.received()
    metrics.answered(204)
    metrics.answered(503)
    metrics.answered(101)
    metrics.took("getA", 0.2)

    body, content_type = exposition(registry)

    assert content_type.startswith("text/plain")
    lines = body.decode().splitlines()
    assert "requests_total 1.0" in lines
    assert "response_2xx_total 1.0" in lines
    assert "response_4xx_total 0.0" in lines
    assert "response_5xx_total 1.0" in lines
    assert "getA_histogram_count 1.0" in lines


def test_two_faces_have_registries_of_their_own():
    HttpMetrics(CollectorRegistry(), [])
    HttpMetrics(CollectorRegistry(), [])


async def test_the_metrics_are_a_route():
    [route] = metrics_routes(CollectorRegistry())
    reply = await route.handle(Request(None, None, None, {}, "::1"))
    assert isinstance(reply.body, bytes)
    assert not route.authenticated
