"""A portfolio with an application, and what MR announces."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from fh.db.unit import PostgresTransaction
from fh.mr.http.app import create_mr_app
from fh.mr.repositories.access import _SEEN as SESSION_SEEN
from tests.mr.conftest import QUICK_PASSWORDS, Api

BETA_USERS = {"name": "Beta users", "percentage": 250_000}


@dataclass
class Shop:
    """An application `shop` with its environment `production`, as a superuser sees it."""

    api: Any
    sql: Any
    portfolio: str
    application: str
    production: str
    seen: list[int] = field(default_factory=lambda: [0])

    @property
    def features_path(self) -> str:
        return f"/mr-api/application/{self.application}/features"

    def value_path(self, key: str, environment: str | None = None) -> str:
        return f"/mr-api/features/{environment or self.production}/feature/{key}"

    async def put_value(self, key: str, body: dict[str, Any], api: Any = None) -> Any:
        return await (api or self.api)("PUT", self.value_path(key), {"key": key, **body})

    async def add_environment(self, name: str, **more: Any) -> dict[str, Any]:
        path = f"/mr-api/application/{self.application}/environment"
        answer = await self.api("POST", path, {"name": name, "description": "", **more})
        assert answer.status == 200, answer
        return answer.body

    async def add_feature(self, key: str, value_type: str = "BOOLEAN", **more: Any) -> Any:
        body = {"key": key, "name": key.title(), "valueType": value_type, **more}
        answer = await self.api("POST", self.features_path, body)
        assert answer.status == 200, answer
        return next(feature for feature in answer.body if feature["key"] == key)

    async def add_account(self, name: str = "sdk", **grants: list[str]) -> dict[str, Any]:
        """Create an account; grants are roles by environment id, hyphens as underscores."""
        permissions = [
            {"environmentId": one.replace("_", "-").removeprefix("e-"), "permissions": roles}
            for one, roles in grants.items()
        ]
        answer = await self.api(
            "POST",
            f"/mr-api/portfolio/{self.portfolio}/service-account?includePermissions=true",
            {"name": name, "description": "", "permissions": permissions},
        )
        assert answer.status == 200, answer
        return answer.body

    async def grant(self, group: str, roles: list[str], **where: str) -> None:
        """Give a group roles: `environment=…` or `application=…`."""
        await self.sql(
            "INSERT INTO acl (group_id, environment_id, application_id, roles) "
            "VALUES ($1, $2, $3, $4)",
            group,
            where.get("environment"),
            where.get("application"),
            roles,
        )

    async def add_group(self, name: str) -> str:
        [row] = await self.sql(
            "INSERT INTO person_group (organisation_id, portfolio_id, name) "
            "SELECT organisation_id, id, $2 FROM portfolio WHERE id = $1 RETURNING id",
            self.portfolio,
            name,
        )
        return str(row[0])

    async def announced(self) -> list[tuple[str, Any]]:
        """Return what was announced since the last look: kind and decoded body."""
        rows = await self.sql(
            "SELECT id, kind, body FROM outbox WHERE id > $1 ORDER BY id", self.seen[0]
        )
        if rows:
            self.seen[0] = rows[-1]["id"]
        return [(row["kind"], msgspec.json.decode(row["body"])) for row in rows]


@pytest.fixture
async def shop(superuser, sql) -> Shop:
    portfolios = await superuser("GET", "/mr-api/portfolio")
    portfolio = portfolios.body[0]["id"]
    answer = await superuser(
        "POST",
        f"/mr-api/portfolio/{portfolio}/application?includeEnvironments=true",
        {"name": "Shop", "description": "Sells things"},
    )
    assert answer.status == 200, answer
    [production] = answer.body["environments"]
    shop = Shop(superuser, sql, portfolio, answer.body["id"], production["id"])
    shop.seen = [0]
    return shop


@pytest.fixture
async def member(shop, add_person):
    """Someone in a group of the portfolio; returns their client and the group."""
    group = await shop.add_group("developers")
    return await add_person("dev@i.com", (group,)), group


@pytest.fixture
def group_path(shop) -> str:
    return f"/mr-api/application/{shop.application}/feature-groups"


@pytest.fixture
async def group_features(shop) -> dict[str, str]:
    """Ids by key: a switch, and a text and a number that have no value yet."""
    made = {}
    for key, value_type in (("dark-mode", "BOOLEAN"), ("title", "STRING"), ("size", "NUMBER")):
        made[key] = (await shop.add_feature(key, value_type))["id"]
    await shop.announced()
    return made


@pytest.fixture
def add_group(shop, group_path, group_features):
    async def create(name: str, strategy: dict | None = BETA_USERS, **values: object) -> dict:
        members = [
            {"id": group_features[key.replace("_", "-")], "value": value}
            for key, value in values.items()
        ]
        body = {
            "name": name,
            "description": "d",
            "environmentId": shop.production,
            "features": members,
            "strategies": [] if strategy is None else [strategy],
        }
        answer = await shop.api("POST", group_path, body)
        assert answer.status == 201, answer
        return (await shop.api("GET", f"{group_path}/{answer.body['id']}")).body

    return create


@pytest.fixture
def statements(monkeypatch):
    """Collect the SQL that is run inside of `with statements() as collected`.

    Except that a session was seen: it is written down once a minute, whatever is asked then.
    """

    @contextmanager
    def collecting():
        collected: list[str] = []

        def spied(run):
            async def spy(tx, sql, *args):
                if sql != SESSION_SEEN:
                    collected.append(sql)
                return await run(tx, sql, *args)

            return spy

        with monkeypatch.context() as patch:
            for verb in ("fetch", "fetchrow", "fetchval", "execute", "executemany"):
                original = getattr(PostgresTransaction, verb)
                patch.setattr(PostgresTransaction, verb, spied(original))
            yield collected

    return collecting


@pytest.fixture
def reconfigured_for(database):
    """Return somebody's client of an MR with other settings over the same database."""

    def make(api: Api, **changes: Any) -> Api:
        settings = replace(QUICK_PASSWORDS, **changes)
        app = create_mr_app(database, settings, registry=CollectorRegistry(), name="mr")
        return Api(app, api.token)

    return make


@pytest.fixture
def reconfigured(superuser, reconfigured_for):
    """Return the superuser's client of an MR with other settings."""
    return lambda **changes: reconfigured_for(superuser, **changes)
