"""A small client of the admin API: enough to set flags up and to change them."""

import itertools
import os
import ssl
from dataclasses import dataclass, replace
from typing import Any, Self

import httpx2

Json = dict[str, Any]

EMAIL = "irina@i.com"
PASSWORD = "password123"
VALUE_MEMBER = {
    "BOOLEAN": "valueBoolean",
    "STRING": "valueString",
    "NUMBER": "valueNumber",
    "JSON": "valueJson",
}

_numbers = itertools.count(1)


def _unique(what: str) -> str:
    return f"{what} {os.getpid()}-{next(_numbers)}"


class Admin:
    """The superuser of one server, logged in. Use as a context manager."""

    def __init__(self, url: str, trusted: ssl.SSLContext | None = None):
        """Talk to `url`; over HTTP/2 where TLS offers it, with a server that is `trusted`."""
        secure = {} if trusted is None else {"verify": trusted, "http2": True}
        self._http = httpx2.Client(base_url=url, timeout=10, **secure)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def token(self) -> str:
        """The access token of sign_in()."""
        return str(self._http.headers["authorization"]).removeprefix("Bearer ")

    def sign_in(self) -> None:
        """Log in; on a new server set the organisation up first."""
        credentials = {"email": EMAIL, "password": PASSWORD}
        answer = self.request("POST", "/mr-api/login", credentials)
        if not answer.is_success:
            setup = {
                "organizationName": "SampleOrg",
                "portfolio": "First Portfolio",
                "name": "Superuser",
                "emailAddress": EMAIL,
                "password": PASSWORD,
            }
            answer = self.request("POST", "/mr-api/initialize", setup)
        assert answer.is_success, answer.text
        signed_in = answer.json()
        assert signed_in["person"]["id"]["id"]
        self._http.headers["authorization"] = f"Bearer {signed_in['accessToken']}"

    def request(self, method: str, path: str, body: object = None) -> httpx2.Response:
        if body is None:
            return self._http.request(method, path)
        return self._http.request(method, path, json=body)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON answer of a request that must succeed."""
        answer = self.request(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def new_project(self) -> "Project":
        """Make a portfolio, an application and a service account that may read and write."""
        portfolio = self.call(
            "POST",
            "/mr-api/portfolio",
            {"name": _unique("Portfolio"), "description": "made by a test"},
        )
        application = self.call(
            "POST",
            f"/mr-api/portfolio/{portfolio['id']}/application?includeEnvironments=true",
            {"name": _unique("Application"), "description": "made by a test"},
        )
        (environment,) = application["environments"]
        roles = ["READ", "LOCK", "UNLOCK", "CHANGE_VALUE"]
        account = self.call(
            "POST",
            f"/mr-api/portfolio/{portfolio['id']}/service-account?includePermissions=true",
            {
                "name": _unique("Account"),
                "description": "made by a test",
                "permissions": [{"environmentId": environment["id"], "permissions": roles}],
            },
        )
        (permission,) = account["permissions"]
        return Project(
            self,
            application["id"],
            environment["id"],
            account["id"],
            permission["sdkUrlClientEval"],
            permission["sdkUrlServerEval"],
        )


@dataclass(frozen=True, slots=True)
class Project:
    """One application with one environment, and the two keys that open it."""

    admin: Admin
    application_id: str
    environment_id: str
    account_id: str
    client_key: str
    server_key: str

    def key(self, evaluation: str) -> str:
        return self.client_key if evaluation == "client" else self.server_key

    def create(self, key: str, value_type: str, value: object = None) -> None:
        """Create a feature; a value is set and unlocked, without one it stays as created."""
        feature = {"key": key, "name": key, "valueType": value_type, "description": ""}
        features = self.admin.call(
            "POST", f"/mr-api/application/{self.application_id}/features", feature
        )
        assert key in {listed["key"] for listed in features}
        if value is not None:
            self.save(key, locked=False, **{VALUE_MEMBER[value_type]: value})

    def path(self, key: str) -> str:
        return f"/mr-api/features/{self.environment_id}/feature/{key}"

    def load(self, key: str) -> Json:
        """Return the feature's value here, or the start of a new one when it has none yet."""
        answer = self.admin.request("GET", self.path(key))
        if answer.status_code == 404:
            return {"key": key, "locked": False}
        assert answer.is_success, answer.text
        loaded: Json = answer.json()
        return loaded

    def save(self, key: str, **members: object) -> Json:
        """Read, change and write back, as the admin UI does; return the saved value."""
        saved: Json = self.admin.call("PUT", self.path(key), {**self.load(key), **members})
        return saved

    def with_new_keys(self) -> Self:
        """Reset both keys; return the same project with those that open it now."""
        path = f"/mr-api/service-account/{self.account_id}/reset-api-key"
        account = self.admin.call("POST", path)
        return replace(
            self,
            client_key=f"{self.environment_id}/{account['apiKeyClientSide']}",
            server_key=f"{self.environment_id}/{account['apiKeyServerSide']}",
        )

    def rename(self, key: str, new_key: str) -> None:
        """Give a feature another key; its value stays as it is."""
        path = f"/mr-api/application/{self.application_id}/features/{key}"
        self.admin.call("PUT", path, {**self.admin.call("GET", path), "key": new_key})

    def delete(self, key: str) -> None:
        path = f"/mr-api/application/{self.application_id}/features/{key}"
        self.admin.call("DELETE", path)
