"""Everything that Edge serves, below a path of its own (featurehub.url-path)."""

import json

import pytest
from asgi_client import asgi_under_test
from edge_under_test import ENVIRONMENT, SERVER_KEY, MemoryLookup, edge_under_test, granted
from ofrep_client import FLAGS, asked, post, view
from socket_client import UPGRADE

from fh.edge.asgi import EdgeApp
from fh.edge.edge import Edge
from fh.edge.pages import Pages
from fh.edge.request import Elsewhere, Poll, decide
from fh.edge.settings import EdgeSettings
from fh.http.health import HealthChecks, health_routes
from fh.http.info import info_routes
from fh.http.routing import below
from fh.model.roles import Role
from fh.wire.http_head import parse_head
from tests.edge.asgi_client import Client, lookup

ROOT = ("flags", "eu")
KEY = f"{ENVIRONMENT}/{SERVER_KEY.secret}"
POLL = f"/features?apiKey={KEY}"


def head(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.mark.parametrize(
    "target",
    [
        f"/flags/eu{POLL}",
        f"/flags/eu/{POLL.removeprefix('/').replace('?', '/?')}",
        f"http://host/flags/eu{POLL}",
        f"/fl%61gs/eu{POLL}",
    ],
)
def test_what_is_below_the_root_is_edge_s(target: str) -> None:
    assert isinstance(decide(parse_head(head(target)), root=ROOT), Poll)


@pytest.mark.parametrize(
    "target",
    [
        POLL,
        f"/flags{POLL}",
        f"/flags/us{POLL}",
        f"/flags%2Feu{POLL}",
        f"/flags/eu2{POLL}",
        f"/flags/eu/flags/eu{POLL}",
        f"//flags/eu{POLL}",
        "/flags/eu",
        "/flags/eu/",
        "/flags",
        "/",
        "*",
    ],
)
def test_nothing_else_is(target: str) -> None:
    assert decide(parse_head(head(target)), root=ROOT) == Elsewhere()


async def test_streams_sockets_writes_and_openfeature_are_below_it() -> None:
    roles = (Role.READ, Role.CHANGE_VALUE, Role.UNLOCK)
    known = MemoryLookup({SERVER_KEY: granted(view().features, roles=roles)})
    async with edge_under_test(known, root=ROOT) as edge:
        assert (await asked(edge, head(f"/flags/eu{POLL}")))[0] == 200
        stream = await edge.connect()
        await stream.send(head(f"/flags/eu/features/{KEY}"))
        assert (await stream.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]
        socket = await edge.connect()
        await socket.send(
            f"GET /flags/eu/features/ws/{KEY} HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n".encode()
        )
        assert (await socket.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        status, _, body = await asked(edge, post(f"/flags/eu{FLAGS}"))
        assert (status, len(json.loads(body)["flags"])) == (200, 2)
        written = post(f"/flags/eu/features/{KEY}/dark", b'{"value":false}').replace(
            b"POST", b"PUT"
        )
        assert (await asked(edge, written))[0] == 200
        assert [each.feature_key for each in edge.updates.submitted] == ["dark"]
        # Without it a request is whoever's is behind Edge.
        outside = await edge.connect()
        await outside.send(head(POLL))
        refused = await edge.connect()
        await refused.send(head("/flags/eu/features/nonsense/x"))
        assert (await refused.answer())[0] == 404
        assert [data for _, data in edge.elsewhere] == [head(POLL)]


async def test_over_tls_and_http_2_it_is_the_same() -> None:
    async with edge_under_test(lookup(), root=ROOT) as edge:
        settings = EdgeSettings(root=ROOT)
        pages = Pages(below(ROOT, [*health_routes(HealthChecks()), *info_routes("edge")]))
        client = Client(EdgeApp(edge.edge, settings, pages), [])
        assert (await client.ask("GET", f"/flags/eu{POLL}"))[0] == 200
        assert (await client.ask("GET", POLL))[0] == 404
        for path in ("/health/liveness", "/flags/eu/health/liveness", "/flags/eu/info/version"):
            assert (await client.ask("GET", path))[0] == 200, path
        assert (await client.ask("GET", "/info/version"))[0] == 404


async def test_between_two_lives_of_edge_nothing_below_it_looks_final() -> None:
    async with asgi_under_test() as (_, edge):
        stopped = Edge(edge.lookup, edge.updates, EdgeSettings(), Pages([]))
        client = Client(EdgeApp(stopped, EdgeSettings(root=ROOT), Pages([])), [])
        assert (await client.ask("GET", f"/flags/eu{POLL}"))[0] == 503
        assert (await client.ask("GET", POLL))[0] == 404
