"""An installation that grows by way of its API, for tests that ask every operation there is."""

from typing import Any
from uuid import UUID

from fh.http.openapi import openapi_document
from fh.http.routing import AnyRoute
from fh.mr.http.app import mr_routes
from fh.mr.http.contract import mr_contract
from fh.mr.settings import MrSettings
from tests.mr.conftest import Api
from tests.mr.contract.answers import NoDatabase


class Installation:
    """An installation that grows; `ids` are what paths are filled with."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.ids: dict[str, str] = {}
        self._offered = {
            route.operation_id: route for route in mr_routes(NoDatabase(), MrSettings())
        }

    async def make(self, operation: str, path: str, body: Any) -> Any:
        """Return what was made, or None where this server can't make it."""
        if operation not in self._offered:
            return None
        answer = await self.api("POST", path, body)
        assert answer.status in {200, 201}, (operation, answer)
        return answer.body

    async def grow(self, name: str) -> None:
        """Make one more of everything, named after `name`."""
        portfolio = await self.make(
            "createPortfolio", "/mr-api/portfolio", {"name": name, "description": name}
        )
        first = self.ids.setdefault("portfolio", portfolio["id"])
        await self.make(
            "createApplication",
            f"/mr-api/portfolio/{portfolio['id']}/application",
            {"name": name, "description": name},
        )
        application = await self.make(
            "createApplication",
            f"/mr-api/portfolio/{first}/application?includeEnvironments=true",
            {"name": f"{name} again", "description": name},
        )
        own = self.ids.setdefault("application", application["id"])
        [environment] = application["environments"]
        self.ids.setdefault("environment", environment["id"])
        await self._grow_application(own, name)
        await self._grow_portfolio(first, own, name, environment["id"])

    async def _grow_application(self, application: str, name: str) -> None:
        path = f"/mr-api/application/{application}"
        body = {"name": name, "description": name}
        environment = await self.make("createEnvironmentOnApplication", f"{path}/environment", body)
        features = []
        for kind in ("BOOLEAN", "STRING"):
            key = f"{name}-{kind}"
            feature = {"key": key, "name": key, "valueType": kind}
            features = await self.make("createFeaturesForApplication", f"{path}/features", feature)
            self.ids.setdefault("key", key)
        for place in (self.ids["environment"], environment["id"]):
            sent = {"key": f"{name}-STRING", "locked": False, "valueString": name}
            value = f"/mr-api/features/{place}/feature/{name}-STRING"
            await self.make("createFeatureForEnvironment", value, sent)
        strategy = {"name": name, "percentage": 1000, "attributes": []}
        made = await self.make("createApplicationStrategy", f"{path}/strategy", strategy)
        self.ids.setdefault("strategy", made["id"] if made else str(UUID(int=1)))
        group = await self.make(
            "createFeatureGroup",
            f"{path}/feature-groups",
            {
                "name": name,
                "description": name,
                "environmentId": self.ids["environment"],
                "features": [{"id": one["id"], "value": None} for one in features],
            },
        )
        self.ids.setdefault("feature group", group["id"] if group else str(UUID(int=1)))

    async def _grow_portfolio(
        self, portfolio: str, application: str, name: str, environment: str
    ) -> None:
        path = f"/mr-api/portfolio/{portfolio}"
        places = sorted({self.ids["environment"], environment})
        permissions = [{"environmentId": place, "permissions": ["READ"]} for place in places]
        account = await self.make(
            "createServiceAccountInPortfolio",
            f"{path}/service-account",
            {"name": name, "description": name, "permissions": permissions},
        )
        self.ids.setdefault("account", account["id"])
        role = {"applicationId": application, "groupId": str(UUID(int=1)), "roles": []}
        group = await self.make(
            "createGroup", f"{path}/group", {"name": name, "applicationRoles": [role]}
        )
        groups = (await self.api("GET", f"{path}/group")).body
        self.ids.setdefault("group", group["id"] if group else groups[0]["id"])
        person = {"email": f"{name}@i.com", "personType": "person", "groupIds": [groups[0]["id"]]}
        made = await self.make("createPerson", "/mr-api/person", person)
        self.ids.setdefault("person", made["personId"] if made else str(UUID(int=1)))
        made = await self.make(
            "createFeatureFilter", f"{path}/feature-filter", {"name": name, "description": name}
        )
        self.ids.setdefault("filter", made["id"] if made else str(UUID(int=1)))

    def path(self, route: AnyRoute, replaced: int = -1, text: str = "") -> str:
        """Return the path of `route` for the first of everything, with all that it can include.

        The parameter numbered `replaced` is `text` instead, percent-encoded already.
        """
        names = {
            "portfolio": self.ids["portfolio"],
            "application": self.ids["application"],
            "state": self.ids["application"],
            "environment": self.ids["environment"],
            "features": self.ids["environment" if "eid" in route.path else "key"],
            "feature": self.ids["key"],
            "feature-environments": self.ids["key"],
            "rollout-strategy": self.ids["strategy"],
            "feature-groups": self.ids["feature group"],
            "feature-filter": self.ids["filter"],
            "service-account": self.ids["account"],
            "webhooks": self.ids["environment"],
            "track-events": self.ids["environment"],
            "group": self.ids["group"],
            "person": "self" if route.method == "GET" else self.ids["person"],
            "authentication": self.ids["person"],
            "matching": "applications",
            "system-api": "slack.enabled",
        }
        segments: list[str] = []
        number = 0
        for segment in route.path.strip("/").split("/"):
            if segment.startswith("{"):
                known = names.get(segments[-1], str(UUID(int=1)))
                segments.append(text if number == replaced else known)
                number += 1
            else:
                segments.append(segment)
        return "/" + "/".join(segments) + self._query(route)

    def _query(self, route: AnyRoute) -> str:
        document = openapi_document([route], mr_contract(()))
        [[operation]] = [list(methods.values()) for methods in document["paths"].values()]
        asked = []
        for parameter in operation["parameters"]:
            name = parameter["name"]
            if parameter["in"] != "query":
                continue
            if parameter["schema"].get("type") == "boolean":
                asked.append(f"{name}=true")
            elif name in {"max", "pageSize"}:
                asked.append(f"{name}=100")
            elif parameter["required"]:
                asked.append(f"{name}={'env' if name == 'source' else self.ids['filter']}")
        return "?" + "&".join(asked) if asked else ""
