"""The admin API as a client sees it: one connection, one token, JSON."""

from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Self

import msgspec

from bench.deployment.process import DeploymentFailed

_ANSWER_SECONDS = 120.0
_EMAIL = "superuser@example.org"
_PASSWORD = "not-a-secret-at-all"
_SETUP = {
    "organizationName": "Bench",
    "portfolio": "Bench",
    "name": "Bench",
    "emailAddress": _EMAIL,
    "password": _PASSWORD,
}


class AdminApi:
    """A client with a connection of its own; for one thread, and to be used as a context manager.

    Every call raises DeploymentFailed when it is refused, or when nobody answers.
    """

    def __init__(self, port: int, token: str = "") -> None:
        """Talk to the admin API at `port`, as whom `token` belongs to."""
        self._port = port
        self._http = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
        self.token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def again(self) -> Self:
        """Return a client of the same person with another connection."""
        return type(self)(self._port, self.token)

    def enter(self) -> None:
        """Become the superuser: by setting the installation up, or by logging in."""
        if self._asked("GET", "/mr-api/initialize")[0] == 200:
            sent = {"email": _EMAIL, "password": _PASSWORD}
            self.token = self.call("POST", "/mr-api/login", sent)["accessToken"]
        else:
            self.token = self.call("POST", "/mr-api/initialize", _SETUP)["accessToken"]

    def operations(self) -> frozenset[str]:
        """Return the names of all operations that it serves."""
        paths = self.call("GET", "/openapi.json")["paths"]
        return frozenset(
            operation["operationId"] for methods in paths.values() for operation in methods.values()
        )

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON of an answer that must be 2xx."""
        return msgspec.json.decode(self.receive(method, path, body))

    def receive(self, method: str, path: str, body: object = None) -> bytes:
        """Return the bytes of an answer that must be 2xx."""
        status, data = self._asked(method, path, body)
        if status not in range(200, 300):
            raise DeploymentFailed(f"{method} {path}: {status} {data[:200]!r}")
        return data

    def _asked(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        text = None if body is None else msgspec.json.encode(body)
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        try:
            self._http.request(method, path, text, headers)
            answer: HTTPResponse = self._http.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as error:
            self._http.close()
            raise DeploymentFailed(f"{method} {path}: {error!r}") from error
