"""The admin API, as far as a bench needs it: environments, changes, and what holds."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx2
import trio

EMAIL: Final = "bench@example.org"
PASSWORD: Final = "not-a-secret-at-all"

_ANSWER_SECONDS: Final = 30.0
_ENVIRONMENTS_OF_AN_APPLICATION: Final = 10
_AT_ONCE: Final = 4
_ROLES: Final = ("READ", "LOCK", "UNLOCK", "CHANGE_VALUE")


class AdminRefused(Exception):
    """The admin API did not do what it was asked for; the text is its own."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, the keys that open it, and its features' keys.

    One key is for SDKs that evaluate, the other for those that have it done.
    """

    id: str
    client_key: str
    server_key: str
    features: tuple[str, ...]


class Admin:
    """An administrator who is logged in."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self._saved: dict[tuple[str, str], dict[str, Any]] = {}

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON answer of a request.

        Raises:
            AdminRefused: it was not answered with 2xx.
            httpx2.TransportError: nobody answered.
        """
        answer = await self._http.request(method, f"/mr-api{path}", json=body)
        if not answer.is_success:
            raise AdminRefused(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.content else None

    async def log_in(self) -> str:
        """Become the superuser of a server, of an empty one by setting it up; return a token.

        Raises:
            AdminRefused: somebody else is.
        """
        credentials = {"email": EMAIL, "password": PASSWORD}
        answer = await self._http.post("/mr-api/login", json=credentials)
        if not answer.is_success:
            setup = {"organizationName": "Bench", "portfolio": "Bench", "name": "Bench"}
            setup |= {"emailAddress": EMAIL, "password": PASSWORD}
            signed_in = await self.call("POST", "/initialize", setup)
        else:
            signed_in = answer.json()
        token = str(signed_in["accessToken"])
        self._http.headers["authorization"] = f"Bearer {token}"
        return token

    async def make_environments(self, count: int, features: int) -> list[Environment]:
        """Make environments with STRING features; ten are of one application and account.

        Raises:
            AdminRefused: this administrator may not.
        """
        (portfolio, *_) = await self.call("GET", "/portfolio")
        sizes = [
            min(_ENVIRONMENTS_OF_AN_APPLICATION, count - first)
            for first in range(0, count, _ENVIRONMENTS_OF_AN_APPLICATION)
        ]
        made: list[Environment] = []
        run = secrets.token_hex(4)  # names are unique, and there may have been runs before
        waiting = iter(enumerate(sizes))

        async def take_turns() -> None:
            for number, size in waiting:
                name = f"Bench {run} {number}"
                made.extend(await self._make_application(portfolio["id"], name, size, features))

        async with trio.open_nursery() as nursery:
            for _ in range(_AT_ONCE):
                nursery.start_soon(take_turns)
        return made

    async def change(self, environment_id: str, key: str, value: str) -> int:
        """Give a STRING feature another value; return its version.

        Raises:
            AdminRefused: it was refused, somebody else's change apart.
            httpx2.TransportError: nobody answered; the change may have been made or not.
        """
        path = f"/features/{environment_id}/feature/{key}"
        place = environment_id, key
        while True:
            # What was saved last is what the next change is based on: a request saved.
            known = self._saved.pop(place, None) or await self.call("GET", path)
            body = {**known, "valueString": value, "locked": False}
            answer = await self._http.put(f"/mr-api{path}", json=body)
            if answer.status_code == HTTPStatus.CONFLICT:
                continue
            if not answer.is_success:
                raise AdminRefused(f"PUT {path}: {answer.status_code} {answer.text[:200]}")
            saved = self._saved[place] = answer.json()
            return int(saved["version"])

    async def versions(self, environment_id: str) -> dict[str, int]:
        """Return the version of each feature that has a value in an environment."""
        found = await self.call("GET", f"/features/{environment_id}")
        return {value["key"]: int(value["version"]) for value in found.get("featureValues", [])}

    async def text_features(self, environment_id: str) -> list[str]:
        """Return the keys of an environment's STRING features that have a value."""
        found = await self.call("GET", f"/features/{environment_id}")
        return [value["key"] for value in found.get("featureValues", []) if "valueString" in value]

    async def _make_application(
        self, portfolio_id: str, name: str, environments: int, features: int
    ) -> list[Environment]:
        application = await self.call(
            "POST",
            f"/portfolio/{portfolio_id}/application?includeEnvironments=true",
            {"name": name, "description": "made by fh bench"},
        )
        path = f"/application/{application['id']}"
        ids = [environment["id"] for environment in application["environments"]]
        for stage in range(len(ids), environments):
            body = {"name": f"stage {stage}", "description": "made by fh bench"}
            ids.append((await self.call("POST", f"{path}/environment", body))["id"])
        keys = tuple(f"FEATURE_{feature}" for feature in range(features))
        for key in keys:
            body = {"key": key, "name": key, "valueType": "STRING", "description": ""}
            await self.call("POST", f"{path}/features", body)
        for environment_id in ids:
            values = [{"key": key, "locked": False, "valueString": "x"} for key in keys]
            await self.call("PUT", f"/features/{environment_id}", values)
        account = await self.call(
            "POST",
            f"/portfolio/{portfolio_id}/service-account?includePermissions=true",
            {
                "name": name,
                "description": "made by fh bench",
                "permissions": [{"environmentId": each, "permissions": _ROLES} for each in ids],
            },
        )
        return [
            Environment(
                permission["environmentId"],
                permission["sdkUrlClientEval"],
                permission["sdkUrlServerEval"],
                keys,
            )
            for permission in account["permissions"]
        ]


@asynccontextmanager
async def open_admin(url: str, token: str = "") -> AsyncIterator[Admin]:
    """Give an administrator of the server `url`: whose `token` it is, or nobody yet."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=url, timeout=_ANSWER_SECONDS, headers=headers) as http:
        yield Admin(http)
