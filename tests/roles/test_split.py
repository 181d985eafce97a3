"""Each role for itself, joined by a real NATS: what a flag's change goes through."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from fh.config import Secret
from fh.db.dsn import Dsn
from fh.edge.door import listen
from fh.edge.settings import EdgeSettings
from fh.roles.kinds import role_kind
from fh.roles.role import Role
from tests.nats_server import NatsServer, find_binary

pytestmark = pytest.mark.postgres

SECONDS = 60


def listener() -> socket.socket:
    return listen("127.0.0.1", 0, EdgeSettings())


def build(name: str, *, monitor: socket.socket | None = None, **settings: object) -> Role:
    kind = role_kind(name)
    return kind.build(kind.settings(port=0, grace_seconds=0, **settings), listener(), monitor)


@asynccontextmanager
async def running(*roles: Role) -> AsyncIterator[None]:
    """Run roles, in this order; end them in the reverse."""
    async with trio.open_nursery() as nursery:
        with trio.fail_after(SECONDS):
            for role in roles:
                await nursery.start(role.run)
        yield
        for role in reversed(roles):
            role.stop()


async def ask(
    port: int, path: str, body: object = None, method: str = "", token: str = "", caches: str = ""
) -> tuple[int, Any]:
    """Return status and decoded body of one request."""
    data = b"" if body is None else json.dumps(body).encode()
    method = method or ("GET" if body is None else "POST")
    with trio.fail_after(SECONDS):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(
                f"{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                f"Authorization: Bearer {token}\r\nkey: {caches}\r\n"
                f"Content-Type: application/json\r\n"
                f"Content-Length: {len(data)}\r\n\r\n".encode()
                + data
            )
            answer = b"".join([piece async for piece in stream])
    head, _, content = answer.partition(b"\r\n\r\n")
    try:
        return int(head.split(b" ", 2)[1]), json.loads(content)
    except ValueError:
        return int(head.split(b" ", 2)[1]), content


async def a_flag(port: int, *, root: str = "") -> tuple[str, str, str]:
    """Set an organisation up; return a token, the environment's id and an SDK key."""
    site = {
        "organizationName": "Example",
        "portfolio": "First",
        "name": "You",
        "emailAddress": "you@example.org",
        "password": "a long password",
    }
    _, signed_in = await ask(port, f"{root}/mr-api/initialize", site)
    token = signed_in["accessToken"]
    _, [portfolio] = await ask(port, f"{root}/mr-api/portfolio", token=token)
    base = f"{root}/mr-api/portfolio/{portfolio['id']}"
    _, application = await ask(
        port,
        f"{base}/application?includeEnvironments=true",
        {"name": "Shop", "description": "The shop"},
        token=token,
    )
    [environment] = application["environments"]
    flag = {"key": "FLAG", "name": "The flag", "valueType": "BOOLEAN"}
    features = f"{root}/mr-api/application/{application['id']}/features"
    await ask(port, features, flag, token=token)
    permission = {
        "environmentId": environment["id"],
        "permissions": ["READ", "CHANGE_VALUE", "LOCK", "UNLOCK"],
    }
    _, account = await ask(
        port,
        f"{base}/service-account?includePermissions=true&includeSdkUrls=true",
        {"name": "backend", "description": "-", "permissions": [permission]},
        token=token,
    )
    [granted] = account["permissions"]
    return token, environment["id"], granted["sdkUrlServerEval"]


async def until_value(
    port: int, key: str, value: bool, *, seconds: float = 10, root: str = ""
) -> None:
    """Poll until the flag has `value`; whatever else is answered must not look final."""
    with trio.fail_after(seconds):
        while True:
            status, body = await ask(port, f"{root}/features?apiKey={key}")
            assert status in {200, 503}, (status, body)
            # What was just made may still be on its way to the cache.
            if status == 200 and [each["value"] for each in body[0]["features"]] == [value]:
                return


async def test_a_change_goes_from_mr_to_edge_and_a_write_back(tmp_path: Path) -> None:
    binary = find_binary()
    assert binary, "nats-server comes with the tests"
    nats = NatsServer(binary, tmp_path)
    nats.start()
    urls = (nats.url,)
    monitors = {name: listener() for name in ("mr", "dacha", "edge")}
    ports = {name: monitor.getsockname()[1] for name, monitor in monitors.items()}
    try:
        mr = build("mr", monitor=monitors["mr"], nats_urls=urls, data_directory=tmp_path / "data")
        # Nobody from outside reaches the port for operators, so caches need no key there.
        dacha = build(
            "dacha",
            monitor=monitors["dacha"],
            nats_urls=urls,
            management_url=f"http://127.0.0.1:{ports['mr']}",
        )
        edge = build(
            "edge",
            monitor=monitors["edge"],
            nats_urls=urls,
            dacha_url=f"http://127.0.0.1:{dacha.port}",
            drop_after_seconds=0,
            heartbeat_seconds=1,
            workers=0,
        )
        async with running(mr, dacha, edge):
            _, _, key = await a_flag(mr.port)
            await until_value(edge.port, key, value=False)
            # The first value is locked; a test write unlocks it and comes back by the bus.
            written = {"value": True, "lock": False}
            status, _ = await ask(edge.port, f"/features/{key}/FLAG", written, method="PUT")
            assert status == 200
            await until_value(edge.port, key, value=True)
            for name, port in ports.items():
                assert (await ask(port, "/health/readiness"))[0] == 200, name
                status, metrics = await ask(port, "/metrics")
                assert (status, b"bus_connected 1.0" in metrics) == (200, True), name
            for role in (mr, dacha, edge):
                assert (await ask(role.port, "/metrics"))[0] == 404, role.name
                assert (await ask(role.port, "/info/version"))[0] == 200, role.name
            # What only caches may ask is not on the public port.
            assert (await ask(mr.port, f"/dacha2/serviceAccount/{key.split('/')[1]}"))[0] == 404
            # With MR and the broker gone, what is known is served on.
            nats.kill()
            await until_value(edge.port, key, value=True)
    finally:
        nats.stop()


async def test_the_smallest_installations_poll_and_write_without_a_bus(tmp_path: Path) -> None:
    ish = build("party-server-ish", data_directory=tmp_path / "data")
    async with running(ish):
        _, _, key = await a_flag(ish.port)
        await until_value(ish.port, key, value=False)
        written = {"value": True, "lock": False}
        assert (await ask(ish.port, f"/features/{key}/FLAG", written, method="PUT"))[0] == 200
        await until_value(ish.port, key, value=True)
        assert (await ask(ish.port, f"/features/{key}"))[0] == 501
        assert (await ask(ish.port, "/health/readiness"))[0] == 200
        _, version = await ask(ish.port, "/info/version")
        assert version["name"] == "party-server-ish"


@pytest.mark.parametrize(
    ("name", "more"),
    [
        # Nobody is there; what is announced waits.
        ("mr", {"nats_urls": ("nats://127.0.0.1:1",)}),
        ("party-server", {}),
        ("party-server-ish", {}),
    ],
)
async def test_what_caches_ask_stands_beside_the_admin_api(
    name: str, more: dict[str, object], empty_postgres_dsn: Dsn
) -> None:
    role = build(
        name,
        database_url=empty_postgres_dsn.url,
        database_user=empty_postgres_dsn.user,
        truth_keys=(Secret("a key of caches"),),
        **more,
    )
    async with running(role):
        token, environment, key = await a_flag(role.port)
        secret = key.split("/")[1]
        path = f"/mr-api/environment/{environment}?includeFeatures=true"
        status, told = await ask(role.port, path, token=token)
        assert (status, [one["key"] for one in told["features"]]) == (200, ["FLAG"])
        _, [portfolio] = await ask(role.port, "/mr-api/portfolio", token=token)
        path = f"/mr-api/portfolio/{portfolio['id']}/service-account"
        _, [account] = await ask(role.port, path, token=token)
        path = f"/mr-api/service-account/{account['id']}?includePermissions=true"
        status, told = await ask(role.port, path, token=token)
        assert (status, told["name"]) == (200, "backend")
        for path in (f"environment/{environment}", f"serviceAccount/{secret}", "events?after=0"):
            assert (await ask(role.port, f"/dacha2/{path}", caches="a key of caches"))[0] == 200
            assert (await ask(role.port, f"/dacha2/{path}"))[0] == 403


async def test_an_edge_rest_reads_an_mr_s_database(empty_postgres_dsn: Dsn) -> None:
    where = {
        "database_url": empty_postgres_dsn.url,
        "database_user": empty_postgres_dsn.user,
        "replica_url": empty_postgres_dsn.url,
        "replica_user": empty_postgres_dsn.user,
    }
    ish, rest = build("party-server-ish", **where), build("edge-rest", **where)
    async with running(ish, rest):
        _, _, key = await a_flag(ish.port)
        await until_value(rest.port, key, value=False)
        written = {"value": True, "lock": False}
        assert (await ask(rest.port, f"/features/{key}/FLAG", written, method="PUT"))[0] == 200
        await until_value(rest.port, key, value=True)
        assert (await ask(rest.port, f"/features/default/{key}"))[0] == 501
        assert (await ask(rest.port, "/health/readiness"))[0] == 200
