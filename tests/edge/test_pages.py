"""Health and metrics on the port of an Edge that has nothing behind it."""

import trio
from edge_under_test import SERVER_KEY, Client, MemoryLookup, MemoryUpdates, boolean, granted
from prometheus_client import CollectorRegistry

from fh.edge.door import Door, listen
from fh.edge.edge import Edge
from fh.edge.pages import Pages
from fh.edge.settings import EdgeSettings
from fh.errors import Unavailable
from fh.http.health import HealthChecks, health_routes
from fh.http.metrics import metrics_routes
from fh.http.routing import Reply, Request, Route


async def away(_: Request[None, None, None]) -> None:
    raise Unavailable("not yet")


async def bug(_: Request[None, None, None]) -> None:
    raise RuntimeError("secret detail")


async def gone(_: Request[None, None, None]) -> Reply:
    return Reply(status=204)


async def version(_: Request[None, None, None]) -> dict[str, str]:
    return {"name": "edge"}


async def test_pages_are_answered_by_the_engine_itself() -> None:
    ready = False
    checks = HealthChecks(liveness={"edge": lambda: True}, readiness={"keys": lambda: ready})
    routes = [
        *health_routes(checks),
        *metrics_routes(CollectorRegistry()),
        Route("GET", "/info/version", "version", version, tag="T", authenticated=False),
        Route("GET", "/away", "away", away, tag="T", authenticated=False),
        Route("GET", "/bug", "bug", bug, tag="T", authenticated=False),
        Route("DELETE", "/version", "gone", gone, tag="T", authenticated=False),
    ]
    lookup = MemoryLookup({SERVER_KEY: granted([boolean("flag", True)])})
    settings = EdgeSettings()
    edge = Edge(lookup, MemoryUpdates(), settings, Pages(routes))
    door = Door(listen("127.0.0.1", 0, settings), edge.adopt, descriptors=10_000)
    async with trio.open_nursery() as nursery:
        await nursery.start(edge.run)
        await nursery.start(door.run)
        client = Client(await trio.open_tcp_stream("127.0.0.1", door.port))

        async def get(path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
            await client.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            return await client.answer()

        # All on one connection: it is Edge's, and stays so.
        assert (await get("/"))[2] == b"featurehub is here"
        assert (await get("/health/liveness"))[0] == 200
        assert (await get("/health/readiness"))[0] == 500
        ready = True
        assert (await get("/health/readiness"))[0] == 200
        status, headers, _ = await get("/metrics")
        assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
        status, headers, body = await get("/info/version")
        assert (status, headers["content-type"], body) == (
            200,
            "application/json",
            b'{"name":"edge"}',
        )
        status, headers, _ = await get("/away")
        assert (status, headers["retry-after"]) == (503, "1")
        status, _, body = await get("/bug")
        assert (status, b"secret" in body) == (500, False)
        status, headers, body = await get("/version", "DELETE")
        assert (status, "content-length" in headers, body) == (204, False, b"")
        assert (await get("/mr-api/person"))[0] == 404
        status, headers, _ = await get("/metrics", "DELETE")
        assert (status, headers["allow"]) == (405, "GET")
        key = f"{SERVER_KEY.environment_id}/{SERVER_KEY.secret}"
        assert (await get(f"/features?apiKey={key}"))[0] == 200
        await client.stream.aclose()
        nursery.cancel_scope.cancel()
    door.close()
