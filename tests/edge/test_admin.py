"""What operators ask and do, with real roles: each route, each kind of caller, each port."""

import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any, TypeVar

import pytest
import structlog
import trio

from fh.db.dsn import Dsn
from fh.http.admin_keys import admin_keys
from fh.roles.kinds import role_kind
from fh.roles.role import Role
from tests.edge.edge_under_test import Client
from tests.roles.test_split import a_flag, ask, listener, running, until_value

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).resolve().parents[2]
KEY = "an-operator-s-own-key"
ACCOUNT = "6c376de1-3cb8-4297-b641-8f27e0d11612"
ROUTES = [
    ("GET", "/admin/edge/streams", None, 200),
    ("GET", "/admin/edge/drain", None, 200),
    ("POST", "/admin/edge/drain", {"seconds": 0}, 200),
    ("DELETE", "/admin/edge/drain", None, 204),
    ("POST", "/admin/edge/kick", {"share": 0.5}, 200),
    ("GET", "/admin/edge/pause", None, 200),
    (
        "POST",
        "/admin/edge/pause",
        {"key": ACCOUNT, "seconds": 600},
        200,
    ),
    ("DELETE", "/admin/edge/pause/1", None, 204),
]


P = TypeVar("P", bound="Ports")


class Ports:
    """A role, and how to speak to it."""

    def __init__(self, role: Role, monitor: int) -> None:
        self.role = role
        self.monitor = monitor
        self.clients: list[Client] = []

    async def ask(self, method: str, path: str, body: object = None, token: str = KEY) -> Any:
        return await ask(self.monitor, path, body, method, token)

    async def stream(self, key: str, more: str = "") -> Client:
        client = Client(await trio.open_tcp_stream("127.0.0.1", self.role.port))
        self.clients.append(client)
        await client.send(f"GET /features/{key} HTTP/1.1\r\nHost: h\r\n{more}\r\n".encode())
        return client


class Shop(Ports):
    """A party-server with one flag."""

    environment = ""
    key = ""

    async def opened(self, more: str = "") -> Client:
        client = await self.stream(self.key, more)
        await client.until(b"event: features")
        return client


@asynccontextmanager
async def role(
    name: str, keys: str = KEY, kind_of: type[P] = Ports, **settings: object
) -> AsyncIterator[P]:
    kind = role_kind(name)
    monitor = listener()
    chosen = kind.settings(port=0, grace_seconds=0, admin_keys=admin_keys(keys), **settings)
    built = kind.build(chosen, listener(), monitor)
    async with running(built):
        ports = kind_of(built, monitor.getsockname()[1])
        yield ports
        for client in ports.clients:
            await client.stream.aclose()


@pytest.fixture
async def shop(empty_postgres_dsn: Dsn) -> AsyncIterator[Shop]:
    dsn = empty_postgres_dsn
    settings = {"database_url": dsn.url, "database_user": dsn.user}
    async with role("party-server", kind_of=Shop, **settings) as found:
        _, found.environment, found.key = await a_flag(found.role.port)
        await until_value(found.role.port, found.key, value=False)
        yield found


def edge(directory: Path) -> dict[str, object]:
    return {
        "nats_urls": ("nats://127.0.0.1:1",),
        "dacha_url": "http://127.0.0.1:1",
        "workers": 0,
    }


async def statuses(port: int, token: str) -> list[int]:
    return [(await ask(port, path, body, method, token))[0] for method, path, body, _ in ROUTES]


@pytest.mark.parametrize("name", ["party-server", "edge"])
async def test_only_a_key_and_only_the_port_for_operators_open_the_routes(
    name: str, empty_postgres_dsn: Dsn, tmp_path: Path
) -> None:
    dsn = empty_postgres_dsn
    database = {"database_url": dsn.url, "database_user": dsn.user}
    settings = edge(tmp_path) if name == "edge" else database
    async with role(name, **settings) as ports:
        assert await statuses(ports.monitor, KEY) == [status for *_, status in ROUTES]
        assert await statuses(ports.monitor, "") == [401] * len(ROUTES)
        assert await statuses(ports.monitor, KEY[:-1]) == [401] * len(ROUTES)
        for token in ("", "wrong", KEY):
            assert await statuses(ports.role.port, token) == [404] * len(ROUTES)
        status, problem = await ports.ask("GET", "/admin/edge/streams", token="wrong")
        assert (status, "fh.admin.keys" in problem["detail"]) == (401, True)
    async with role(name, "", **settings) as ports:
        for token in ("", "wrong", KEY):
            assert await statuses(ports.monitor, token) == [403] * len(ROUTES)
        status, problem = await ports.ask("GET", "/admin/edge/streams")
        assert "set fh.admin.keys" in problem["detail"]


@pytest.mark.parametrize("name", ["party-server", "edge"])
async def test_a_request_that_makes_no_sense_is_told_what_would(
    name: str, empty_postgres_dsn: Dsn, tmp_path: Path
) -> None:
    dsn = empty_postgres_dsn
    database = {"database_url": dsn.url, "database_user": dsn.user}
    async with role(name, **(edge(tmp_path) if name == "edge" else database)) as ports:
        for method, path, body, status in [
            ("GET", "/admin/edge/streams?by=colour", None, 400),
            ("GET", "/admin/edge/streams?limit=0", None, 400),
            ("GET", "/admin/edge/streams?environment=x", None, 404),
            ("POST", "/admin/edge/kick", {"share": 0}, 400),
            ("POST", "/admin/edge/kick", {"share": 1.1}, 400),
            ("POST", "/admin/edge/kick", {"share": 1, "enviroment": "x"}, 400),
            ("POST", "/admin/edge/kick", {}, 400),
            ("POST", "/admin/edge/drain", {"seconds": 86_401}, 400),
            ("POST", "/admin/edge/pause", {"key": "nonsense", "seconds": 1}, 400),
            ("POST", "/admin/edge/pause", {"key": "x/y", "seconds": 0}, 400),
            ("DELETE", "/admin/edge/pause/17", None, 404),
            ("PUT", "/admin/edge/drain", None, 405),
        ]:
            found, problem = await ports.ask(method, path, body)
            assert found == status, (method, path, problem)
        assert (await ports.ask("GET", "/admin/edge/pause"))[1] == []


async def test_an_operator_sees_who_has_streams(shop: Shop) -> None:
    for _ in range(4):
        await shop.opened("X-SDK: Python\r\nX-SDK-Version: 1.2\r\n")
    assert await shop.ask("GET", "/admin/edge/streams") == (
        200,
        {
            "by": "environment",
            "streams": 4,
            "behind": 0,
            "waiting": 0,
            "total": 1,
            "left_out": 0,
            "next": None,
            "groups": [{"environment": shop.environment, "streams": 4, "behind": 0}],
            "slowest": [],
            "silent": [],
        },
    )
    _, page = await shop.ask("GET", f"/admin/edge/streams?by=key&environment={shop.environment}")
    [group] = page["groups"]
    assert group == {
        "key": f"{shop.key[:41]}…",
        "account": group["account"],
        "streams": 4,
        "behind": 0,
    }
    _, page = await shop.ask("GET", "/admin/edge/streams?by=sdk")
    assert page["groups"] == [{"sdk": "Python", "version": "1.2", "streams": 4, "behind": 0}]
    _, page = await shop.ask("GET", "/admin/edge/streams?by=sdk&offset=1")
    assert (page["total"], page["groups"], page["next"]) == (1, [], None)


async def test_an_operator_sends_a_share_of_the_streams_away(shop: Shop) -> None:
    streams = [await shop.opened() for _ in range(4)]
    with structlog.testing.capture_logs() as logs:
        kick = {"share": 0.5, "environment": shop.environment}
        done = await shop.ask("POST", "/admin/edge/kick", kick)
    assert done == (200, {"streams": 2, "silent": []})
    [line] = [each for each in logs if each["event"] == "operator_acted"]
    assert (line["action"], line["by"], line["streams"]) == ("kick", "an-o…", 2)
    assert KEY not in json.dumps(logs, default=str)
    ended: list[Client] = []
    async with trio.open_nursery() as nursery:

        async def wait_for_end(client: Client) -> None:
            await client.until(b"event: bye", seconds=10)
            ended.append(client)
            if len(ended) == 2:
                nursery.cancel_scope.cancel()

        for client in streams:
            nursery.start_soon(wait_for_end, client)
    _, page = await shop.ask("GET", "/admin/edge/streams")
    assert page["streams"] == 2


async def test_an_account_is_put_off_with_all_its_keys(shop: Shop) -> None:
    port = shop.role.port
    stream = await shop.opened()
    _, page = await shop.ask("GET", "/admin/edge/streams?by=key")
    account = page["groups"][0]["account"]
    _, done = await shop.ask("POST", "/admin/edge/pause", {"key": account, "seconds": 600})
    assert done["streams"] == 1
    await stream.until(b"event: bye")
    status, headers, _ = await (await shop.stream(shop.key)).answer()
    assert (status, int(headers["retry-after"]) > 500) == (503, True)
    assert (await ask(port, f"/features?apiKey={shop.key}"))[0] == 503
    write = f"/features/{shop.key}/FLAG"
    assert (await ask(port, write, {"lock": False}, "PUT"))[0] == 503
    _, [pause] = await shop.ask("GET", "/admin/edge/pause")
    assert (pause["id"], pause["key"], pause["seconds"] > 500) == (done["id"], account, True)
    assert (await shop.ask("DELETE", f"/admin/edge/pause/{pause['id']}"))[0] == 204
    assert (await ask(port, f"/features?apiKey={shop.key}"))[0] == 200
    await shop.opened()


async def test_whoever_drains_is_not_ready_until_that_is_taken_back(shop: Shop) -> None:
    stream = await shop.opened()
    assert (await ask(shop.monitor, "/health/readiness"))[0] == 200
    _, done = await shop.ask("POST", "/admin/edge/drain", {"seconds": 0})
    assert done["streams"] == 1
    await stream.until(b"event: bye")
    status, health = await ask(shop.monitor, "/health/readiness")
    assert (status, health["checks"]["lets_streams_in"]) == (500, False)
    assert (await ask(shop.monitor, "/health/liveness"))[0] == 200
    assert (await (await shop.stream(shop.key)).answer())[0] == 503
    assert (await ask(shop.role.port, f"/features?apiKey={shop.key}"))[0] == 200
    assert (await shop.ask("GET", "/admin/edge/drain"))[1] == {"draining": True}
    await shop.ask("DELETE", "/admin/edge/drain")
    assert (await ask(shop.monitor, "/health/readiness"))[0] == 200
    await shop.opened()


async def test_a_change_is_measured_from_its_commit_to_the_socket(shop: Shop) -> None:
    stream = await shop.opened()
    unlocked = {"value": True, "lock": False}
    assert (await ask(shop.role.port, f"/features/{shop.key}/FLAG", unlocked, "PUT"))[0] == 200
    await stream.until(b"event: feature\n", seconds=10)
    _, text = await ask(shop.monitor, "/metrics")
    shown = dict(
        line.rsplit(" ", 1) for line in text.decode().splitlines() if line[:1] not in {"#", ""}
    )
    assert float(shown["edge_propagation_seconds_count"]) >= 1
    assert 0 <= float(shown["edge_propagation_seconds_sum"]) < 10
    assert shown['edge_streams{kind="plain"}'] == "1.0"
    assert float(shown["edge_loop_lag_seconds_count"]) > 0


def commands() -> list[str]:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.startswith("    curl ")]


async def test_the_commands_on_the_page_do_what_it_says(shop: Shop) -> None:
    base = f"http://127.0.0.1:{shop.monitor}"
    known = {
        "KEY": KEY,
        "EDGE": base,
        "ENVIRONMENT": shop.environment,
        "SDK_KEY": shop.key,
    }
    asked = set()
    for command in commands():
        options = shlex.split(Template(command).substitute(known))[1:]
        given = dict(pairwise(options))
        assert given["-H"] == f"Authorization: Bearer {KEY}"
        body = json.loads(given["-d"]) if "-d" in given else None
        method, path = given.get("-X", "GET"), options[-1].removeprefix(base)
        status, answer = await shop.ask(method, path, body)
        assert status == (204 if method == "DELETE" else 200), (command, answer)
        asked.add((method, path.partition("?")[0]))
    assert asked == {(method, path) for method, path, *_ in ROUTES}
