"""What SDKs see of application strategies, feature groups and filters, in a whole party-server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio

from fh.db.dsn import Dsn
from fh.roles.role import Role
from tests.roles.test_split import build, running

pytestmark = pytest.mark.postgres

SECONDS = 20

# Who is in New Zealand, and half of everybody else.
IN_NEW_ZEALAND = {
    "fieldName": "country",
    "conditional": "EQUALS",
    "type": "STRING",
    "values": ["new_zealand"],
}
HERE = "country=new_zealand,userkey=jo"
THERE = "country=austria,userkey=jo"


@dataclass
class World:
    """An application with the texts `title` and `colour`, and what a key sees of them."""

    http: httpx2.AsyncClient
    portfolio: str = ""
    application: str = ""
    environment: str = ""

    async def call(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.http.request(method, f"/mr-api{path}", json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def set_up(self) -> None:
        site = {
            "organizationName": "Example",
            "portfolio": "First",
            "name": "You",
            "emailAddress": "you@example.org",
            "password": "a long password",
        }
        signed_in = await self.call("POST", "/initialize", site)
        self.http.headers["authorization"] = f"Bearer {signed_in['accessToken']}"
        [portfolio] = await self.call("GET", "/portfolio")
        self.portfolio = f"/portfolio/{portfolio['id']}"
        application = await self.call(
            "POST",
            f"{self.portfolio}/application?includeEnvironments=true",
            {"name": "Shop", "description": "The shop"},
        )
        self.application = f"/application/{application['id']}"
        self.environment = application["environments"][0]["id"]
        for key in ("title", "colour"):
            feature = {"key": key, "name": key, "valueType": "STRING"}
            await self.call("POST", f"{self.application}/features", feature)
            await self.save(key, valueString="plain")

    async def save(self, key: str, **members: object) -> None:
        path = f"/features/{self.environment}/feature/{key}"
        current: dict[str, Any] = {"key": key, "locked": False}
        answer = await self.http.get(f"/mr-api{path}")
        if answer.is_success:
            current = answer.json()
        await self.call("PUT", path, {**current, **members})

    async def account(self, name: str, *filters: str) -> dict[str, Any]:
        body = {
            "name": name,
            "featureFilter": filters,
            "permissions": [{"environmentId": self.environment, "permissions": ["READ"]}],
        }
        made: dict[str, Any] = await self.call("POST", f"{self.portfolio}/service-account", body)
        return made

    def server_key(self, account: dict[str, Any]) -> str:
        return f"{self.environment}/{account['apiKeyServerSide']}"

    async def values(self, key: str, context: str = "") -> dict[str, object]:
        """Return what one poll says, by feature."""
        while True:
            answer = await self.http.get(
                f"/features?apiKey={key}", headers={"x-featurehub": context}
            )
            assert answer.status_code in {200, 503}, answer.text
            if answer.status_code == 200:
                [environment] = answer.json()
                return {each["key"]: each.get("value") for each in environment["features"]}

    async def until(self, key: str, context: str, expected: dict[str, object]) -> None:
        """Poll until a key sees `expected`."""
        seen: object = None
        with trio.move_on_after(SECONDS):
            while (seen := await self.values(key, context)) != expected:
                pass
        assert seen == expected


@asynccontextmanager
async def world(directory: Path) -> AsyncIterator[World]:
    server = build("party-server", data_directory=directory / "data")
    async with running(server), client(server) as http:
        found = World(http)
        await found.set_up()
        yield found


def client(role: Role) -> httpx2.AsyncClient:
    url = f"http://127.0.0.1:{role.port}"
    return httpx2.AsyncClient(base_url=url, trust_env=False, timeout=SECONDS)


async def test_an_application_strategy_attached_changed_and_deleted(tmp_path: Path) -> None:
    async with world(tmp_path) as shop:
        key = shop.server_key(await shop.account("sdk"))
        plain = {"title": "plain", "colour": "plain"}
        await shop.until(key, HERE, plain)
        made = await shop.call(
            "POST",
            f"{shop.application}/strategy",
            {"name": "New Zealand", "attributes": [IN_NEW_ZEALAND]},
        )
        await shop.save(
            "title", rolloutStrategyInstances=[{"strategyId": made["id"], "value": "kia ora"}]
        )
        await shop.until(key, HERE, {"title": "kia ora", "colour": "plain"})
        assert await shop.values(key, THERE) == plain

        one = f"{shop.application}/rollout-strategy/{made['id']}"
        austria = {**IN_NEW_ZEALAND, "values": ["austria"]}
        await shop.call("PUT", one, {"attributes": [austria]})
        await shop.until(key, THERE, {"title": "kia ora", "colour": "plain"})
        assert await shop.values(key, HERE) == plain
        await shop.call("PUT", one, {"disabled": True})
        await shop.until(key, THERE, plain)
        await shop.call("PUT", one, {"disabled": False})
        await shop.until(key, THERE, {"title": "kia ora", "colour": "plain"})
        await shop.call("DELETE", one)
        await shop.until(key, THERE, plain)


async def test_a_feature_group_made_moved_left_and_deleted(tmp_path: Path) -> None:
    async with world(tmp_path) as shop:
        key = shop.server_key(await shop.account("sdk"))
        features = {
            each["key"]: each["id"]
            for each in await shop.call("GET", f"{shop.application}/features")
        }
        groups = f"{shop.application}/feature-groups"

        def group(name: str, *keys: str) -> dict[str, Any]:
            members = [{"id": features[one], "value": name} for one in keys]
            strategy = {"name": name, "attributes": [IN_NEW_ZEALAND]}
            place = {"name": name, "environmentId": shop.environment}
            return {**place, "features": members, "strategies": [strategy]}

        await shop.call("POST", groups, group("first", "title", "colour"))
        await shop.until(key, HERE, {"title": "first", "colour": "first"})
        assert await shop.values(key, THERE) == {"title": "plain", "colour": "plain"}
        second = await shop.call("POST", groups, group("second", "title"))
        moved = await shop.call("PUT", groups, {"id": second["id"], "version": 1, "order": 1})
        await shop.until(key, HERE, {"title": "second", "colour": "first"})
        await shop.call(
            "PUT", groups, {"id": second["id"], "version": moved["version"], "features": []}
        )
        await shop.until(key, HERE, {"title": "first", "colour": "first"})
        [first, _] = sorted(
            (await shop.call("GET", groups))["featureGroups"], key=lambda one: str(one["name"])
        )
        await shop.call("DELETE", f"{groups}/{first['id']}")
        await shop.until(key, HERE, {"title": "plain", "colour": "plain"})


async def test_feature_groups_reach_who_asks_a_role_that_publishes_them(
    empty_postgres_dsn: Dsn,
) -> None:
    where: dict[str, object] = {
        "database_url": empty_postgres_dsn.url,
        "database_user": empty_postgres_dsn.user,
    }
    told = [build("party-server-ish", **where), build("edge-rest", **where)]
    where |= {"publishes_groups": False}
    untold = [build("party-server-ish", **where), build("edge-rest", **where)]
    async with running(*told, *untold), client(told[0]) as http:
        shop = World(http)
        await shop.set_up()
        key = shop.server_key(await shop.account("sdk"))
        feature = await shop.call("GET", f"{shop.application}/features/title")
        group = {
            "name": "group",
            "environmentId": shop.environment,
            "features": [{"id": feature["id"], "value": "grouped"}],
            "strategies": [{"name": "New Zealand", "attributes": [IN_NEW_ZEALAND]}],
        }
        await shop.call("POST", f"{shop.application}/feature-groups", group)
        for role in (*told, *untold):
            title = "grouped" if role in told else "plain"
            async with client(role) as asked:
                await World(asked).until(key, HERE, {"title": title, "colour": "plain"})
        server = build("party-server", **where)
        async with running(server), client(server) as asked:
            await World(asked).until(key, HERE, {"title": "plain", "colour": "plain"})


async def test_a_filter_on_features_and_accounts(tmp_path: Path) -> None:
    async with world(tmp_path) as shop:
        filters = f"{shop.portfolio}/feature-filter"
        mobile = await shop.call("POST", filters, {"name": "mobile"})
        web = await shop.call("POST", filters, {"name": "web"})
        open_account, confined = await shop.account("open"), await shop.account("mobile")
        everything = {"title": "plain", "colour": "plain"}
        await shop.until(shop.server_key(confined), "", everything)

        feature = await shop.call("GET", f"{shop.application}/features/title")
        labelled = {**feature, "featureFilter": [mobile["id"]]}
        await shop.call("PUT", f"{shop.application}/features/title", labelled)
        accounts = f"{shop.portfolio}/service-account"

        async def confine(*wanted: str) -> None:
            current = await shop.call("GET", f"/service-account/{confined['id']}")
            body = {**current, "permsInvalid": True, "permissions": [], "featureFilters": wanted}
            await shop.call("PUT", accounts, body)

        await confine(mobile["id"])
        await shop.until(shop.server_key(confined), "", {"title": "plain"})
        assert await shop.values(shop.server_key(open_account)) == everything
        await confine(web["id"])
        await shop.until(shop.server_key(confined), "", {})
        await confine(web["id"], mobile["id"])
        await shop.until(shop.server_key(confined), "", {"title": "plain"})
        deleted = f"{filters}/{mobile['id']}?version={mobile['version']}"
        await shop.call("DELETE", deleted)
        await shop.until(shop.server_key(confined), "", {})
        assert await shop.values(shop.server_key(open_account)) == everything
        await confine()
        await shop.until(shop.server_key(confined), "", everything)
