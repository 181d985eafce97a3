"""What the generated clients and the admin UI send, and where it leads."""

import itertools
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

_numbers = itertools.count()


class Client:
    """Somebody with a token; a null is never sent, as the TypeScript client has it."""

    def __init__(self, url: str, offered: set[str], token: str = "") -> None:
        self.url, self.offered, self.token = url, offered, token

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        pairs = [
            (name, str(each).lower() if isinstance(each, bool) else each)
            for name, value in query.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        headers = {"baggage": "cucumberScenarioId=42", "content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = None if body is None else msgspec.json.encode(without_null(body))
        target = f"{path}?{urlencode(pairs)}" if pairs else path
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=30)) as http:
            http.request(method, target, data, headers)
            answer = http.getresponse()
            content = answer.read()
        is_json = content and answer.headers["content-type"] == "application/json"
        return answer.status, msgspec.json.decode(content) if is_json else content

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return what is answered with 200."""
        status, answer = self.ask(method, path, body, **query)
        assert status == 200, (method, path, status, answer)
        return answer

    def needs(self, *operations: str) -> None:
        """Leave a test out while the server lacks operations that its scenario calls."""
        if missing := set(operations) - self.offered:
            pytest.skip(f"the server has no {', '.join(sorted(missing))} yet")

    def as_person(self, token: str) -> "Client":
        return Client(self.url, self.offered, token)


class Scenario:
    """A portfolio with an application and its first environment, as each scenario begins."""

    def __init__(self, api: Client) -> None:
        self.api = api
        self.name = f"scenario {next(_numbers)}"
        body = {"name": self.name, "description": self.name}
        self.portfolio = api.call("POST", "/mr-api/portfolio", body)["id"]
        application = api.call(
            "POST",
            f"/mr-api/portfolio/{self.portfolio}/application",
            body,
            includeEnvironments=True,
        )
        [environment] = application["environments"]
        self.application, self.environment = application["id"], environment["id"]

    @property
    def path(self) -> str:
        return f"/mr-api/application/{self.application}"

    def feature(self, key: str, kind: str) -> dict[str, Any]:
        body = {"key": key, "name": key, "valueType": kind}
        made = self.api.call("POST", f"{self.path}/features", body)
        return next(feature for feature in made if feature["key"] == key)

    def value_path(self, key: str) -> str:
        return f"/mr-api/features/{self.environment}/feature/{key}"

    def account(self, name: str, *roles: str) -> dict[str, Any]:
        permission = {"environmentId": self.environment, "permissions": list(roles)}
        return self.api.call(
            "POST",
            f"/mr-api/portfolio/{self.portfolio}/service-account",
            {"name": name, "description": name, "permissions": [permission]},
            includePermissions=True,
        )


def without_null(value: Any) -> Any:
    match value:
        case dict():
            return {name: without_null(one) for name, one in value.items() if one is not None}
        case list():
            return [without_null(one) for one in value]
        case _:
            return value
