"""Neighbours of another make, who know nothing of ours: what they serve, and what they say."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio

from tests.nats_peer import Peer

CACHE = "featurehub/mr-dacha2-channel"
EDGE = "featurehub/mr-edge-channel"
UPDATES = "featurehub/mr-updates-queue"
UPDATE_QUEUE = "featurehub/mr-update"

ENVIRONMENT = "6c376de1-3cb8-4297-b641-8f27e0d11612"
PLACE = {
    "oId": "10000000-0000-4000-8000-00000000000a",
    "pId": "20000000-0000-4000-8000-00000000000b",
    "aId": "30000000-0000-4000-8000-00000000000c",
}
ACCOUNT = "40000000-0000-4000-8000-00000000000d"
KEY = "serverSideKey"
MAX_LONG = 9_223_372_036_854_775_807

Answer = Callable[[str, str, dict[str, str]], tuple[int, Any]]
"""From method, path and headers to status and JSON."""


def feature(number: int, version: int, value: bool, *, retired: bool = False) -> dict[str, Any]:
    """Return a boolean feature as MR writes it."""
    identifier = f"{number:08x}-0000-4000-8000-000000000000"
    key = f"FLAG_{number}"
    return {
        "feature": {"id": identifier, "key": key, "valueType": "BOOLEAN", "version": 1},
        "value": {
            "id": f"{number:08x}-0000-4000-8000-00000000000f",
            "key": key,
            "locked": False,
            "value": value,
            "rolloutStrategies": [],
            "version": version,
            "retired": retired,
            "pId": "50000000-0000-4000-8000-00000000000e",
        },
        "fp": {"category": "menu"},
    }


def environment(version: int, *features: dict[str, Any], action: str = "UPDATE", **info: str):
    return {
        "environment": {"id": ENVIRONMENT, "version": version, "eInf": info},
        **PLACE,
        "fv": list(features),
        "sa": [ACCOUNT],
        "action": action,
        "c": 1,
    }


def account(version: int, *permissions: str) -> dict[str, Any]:
    granted = {"permissions": list(permissions), "environmentId": ENVIRONMENT}
    return {
        "id": ACCOUNT,
        "version": version,
        "apiKeyClientSide": "client*SideKey",
        "apiKeyServerSide": KEY,
        "permissions": [granted],
    }


class JavaMr:
    """An MR: what it announces, and what it serves to caches, which is the newest of that."""

    def __init__(self, peer: Peer, key: str) -> None:
        self._peer = peer
        self._key = key
        self.environment = environment(1, feature(1, 1, False), action="CREATE")
        self.account = account(1, "READ")
        self.is_down = False

    def answer(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        if self.is_down:
            return 503, None
        _, base, kind, asked = (path.split("?", maxsplit=1)[0] + "///").split("/")[:4]
        if base != "dacha2" or kind not in {"environment", "serviceAccount"}:
            return 404, None
        if method != "GET":
            return 405, None
        if headers.get("key", self._key) != self._key:  # without any, upstream lets it pass
            return 403, None
        if kind == "environment":
            is_there = asked == ENVIRONMENT and self.environment["action"] != "DELETE"
            return (200, {"env": self.environment}) if is_there else (404, None)
        return (200, {"serviceAccount": self.account}) if asked == KEY else (404, None)

    async def announce_feature(self, changed: dict[str, Any], action: str = "UPDATE") -> None:
        known = {each["feature"]["key"]: each for each in self.environment["fv"]}
        key = changed["feature"]["key"]
        if action == "DELETE":
            del known[key]
        elif key not in known or changed["value"]["version"] > known[key]["value"]["version"]:
            known[key] = changed
        self.environment = {**self.environment, "fv": list(known.values())}
        one = {"action": action, "environmentId": ENVIRONMENT, "feature": changed}
        bundle = {"features": [one]}
        event_id = f"{ENVIRONMENT}/{key}"
        for subject in (CACHE, EDGE):
            await self._say(subject, "feature", "feature-values", action, event_id, bundle)

    async def announce_environment(self, changed: dict[str, Any]) -> None:
        action = changed["action"]
        if changed["environment"]["version"] > self.environment["environment"]["version"]:
            self.environment = changed
        await self._say(CACHE, "environment", "environment", action, ENVIRONMENT, changed)

    async def announce_account(self, changed: dict[str, Any], action: str = "UPDATE") -> None:
        self.account = changed
        told = {"serviceAccount": changed, "action": action, "count": 1}
        await self._say(CACHE, "serviceaccount", "service-account", action, ACCOUNT, told)

    async def _say(
        self, channel: str, kind: str, subject: str, action: str, event_id: str, body: object
    ) -> None:
        headers = {
            "content-type": "application/json+gzip",
            "ce-specversion": "1.0",
            "ce-type": f"publish-{kind}-v1",
            "ce-subject": f"io.featurehub.events.{subject}",
            "ce-source": f"http://management-service/{action}",
            "ce-id": event_id,
            "ce-time": "2026-07-23T07:50:07.123456Z",
            "ce-traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
        await self._peer.publish(channel, gzip.compress(json.dumps(body).encode()), headers)


def java_dacha(method: str, path: str, _: dict[str, str]) -> tuple[int, Any]:
    """Answer as a Dacha that serves single keys and nothing else."""
    details = {**PLACE, "sId": ACCOUNT, "etag": "x0", "eInf": {}, "ed": False, "features": []}
    served = method == "GET" and path.startswith(f"/v2/environment/{ENVIRONMENT}/{KEY}")
    return (200, details) if served else (404, None)


def java_update(key: str, environment_id: str, feature_key: str, **members: object):
    """Return data and headers of what an Edge publishes for a test write."""
    body = {"apiKey": key, "environmentId": environment_id, "featureKey": feature_key, **members}
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "feature-update-v1",
        "ce-subject": "io.featurehub.edge.feature-update",
        "ce-source": "http://edge",
        "ce-id": "0d0c5a3e-5c1f-4a53-8d7e-90aa11bb22cc",
        "ce-time": "2026-07-23T07:50:07.123456Z",
        "ce-cachename": "default",
        "content-type": "application/json+gzip",
    }
    return gzip.compress(json.dumps(body).encode()), headers


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[int]:
    """Serve `answer` over HTTP as long as the context lasts; give the port."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            received = b""
            while b"\r\n\r\n" not in received:
                if not (data := await stream.receive_some(65536)):
                    return
                received += data
            head = received.split(b"\r\n\r\n")[0].decode()
            request, *lines = head.split("\r\n")
            method, path, _ = request.split(" ")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            status, body = answer(method, path, headers)
            data = b"" if body is None else json.dumps(body).encode()
            await stream.send_all(
                f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nConnection: close\r\n"
                f"Content-Length: {len(data)}\r\n\r\n".encode()
                + data
            )

    async with trio.open_nursery() as nursery:
        listen = partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        [listener] = await nursery.start(listen)
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()
