"""The superuser of a deployment: sets it up, and changes values one after the other."""

import json
import time
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from typing import Any, Self

from bench.deployment.process import DeploymentFailed
from fh.model.ids import EnvironmentId

_ANSWER_SECONDS = 30
_SETUP = {
    "organizationName": "Bench",
    "portfolio": "Bench",
    "name": "Bench",
    "emailAddress": "superuser@example.org",
    "password": "not-a-secret-at-all",
}


class Admin:
    """The first user of an installation that is empty so far; use as a context manager."""

    def __init__(self, port: int) -> None:
        """Talk to the admin API at `port`."""
        self._http = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
        self._headers = {"content-type": "application/json"}
        self._values: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def set_up(self) -> None:
        """Become the superuser."""
        token = self._call("POST", "/mr-api/initialize", _SETUP)["accessToken"]
        self._headers["authorization"] = f"Bearer {token}"

    def change_text(self, environment_id: EnvironmentId, feature_key: str, text: str) -> int:
        """Give a STRING feature another value; return the instant of the answer, in monotonic ns.

        Raises:
            DeploymentFailed: it was refused.
        """
        path = f"/mr-api/features/{environment_id}/feature/{feature_key}"
        # What was saved is what the next change is based on, unless others change it, too.
        known = self._values.get(path) or self._call("GET", path)
        self._values[path] = self._call("PUT", path, {**known, "valueString": text})
        return time.monotonic_ns()

    def text(self, environment_id: EnvironmentId, feature_key: str) -> str:
        """Return what MR says that a STRING feature's value is."""
        path = f"/mr-api/features/{environment_id}/feature/{feature_key}"
        return str(self._call("GET", path)["valueString"])

    def _call(self, method: str, path: str, body: object = None) -> Any:
        text = None if body is None else json.dumps(body)
        try:
            answer = self._asked(method, path, text)
        except RemoteDisconnected:  # it was idle for too long
            self._http.close()
            answer = self._asked(method, path, text)
        data = answer.read()
        if answer.status not in range(200, 300):
            raise DeploymentFailed(f"{method} {path}: {answer.status} {data[:200]!r}")
        return json.loads(data)

    def _asked(self, method: str, path: str, text: str | None) -> HTTPResponse:
        self._http.request(method, path, text, self._headers)
        return self._http.getresponse()
