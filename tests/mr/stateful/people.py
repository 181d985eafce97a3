"""Somebody in a group whose roles come and go, and portfolios that go with all that is in them."""

import time
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from typing_extensions import override

from tests.mr.stateful.admins import VALUES, anywhere, grants
from tests.mr.stateful.compared import MEMBERS, quoted
from tests.mr.stateful.model import Setting
from tests.mr.stateful.sharers import Sharers


class People(Sharers):
    """Drives what people may do: one person, and one group of the portfolio at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.group: str | None = None
        self.roles: dict[str, frozenset[str]] = {}
        self.joined = False

    @override
    @initialize()
    def begin(self) -> None:
        super().begin()
        self.person, self.token = self.world.member()
        self.add_people_group()
        self.give_roles({0: {"READ", "CHANGE_VALUE"}})
        self.join_or_leave()

    @precondition(lambda self: self.alive() and self.group is None)
    @rule()
    def add_people_group(self) -> None:
        path = f"/mr-api/portfolio/{self.portfolio}/group"
        self.group = self.world.call("POST", path, {"name": f"g{time.monotonic_ns()}"})["id"]
        self.roles, self.joined = {}, False

    @precondition(lambda self: self.alive() and self.group)
    @rule(granted=grants)
    def give_roles(self, granted: dict[int, set[str]]) -> None:
        """In some environments; an empty set takes them all, others stay as they are."""
        environments = list(self.model.environments)
        named = {
            environments[number]: roles
            for number, roles in granted.items()
            if number < len(environments)
        }
        sent = [
            {"environmentId": place, "groupId": self.group, "roles": sorted(roles)}
            for place, roles in named.items()
        ]
        version = self.world.call("GET", f"/mr-api/group/{self.group}")["version"]
        self.world.call(
            "PUT",
            f"/mr-api/portfolio/{self.portfolio}/v2/group?updateEnvironmentGroupRoles=true",
            {"id": self.group, "version": version, "environmentRoles": sent},
        )
        self.roles |= {place: frozenset(roles) for place, roles in named.items()}

    @precondition(lambda self: self.alive() and self.group)
    @rule()
    def join_or_leave(self) -> None:
        method = "DELETE" if self.joined else "POST"
        self.world.call(method, f"/mr-api/group/{self.group}/person/{self.person}")
        self.joined = not self.joined

    @precondition(lambda self: self.alive() and self.group)
    @rule()
    def delete_people_group(self) -> None:
        assert self.world.call("DELETE", f"/mr-api/group/{self.group}") is True
        self.group = None

    def held(self, environment: str) -> frozenset[str]:
        """Return the roles that the person has."""
        nothing: frozenset[str] = frozenset()
        return self.roles.get(environment, nothing) if self.group and self.joined else nothing

    @precondition(lambda self: self.has_features())
    @rule(where=anywhere, which=anywhere, data=st.data())
    def member_writes(self, where: int, which: int, data: Any) -> None:
        """Another value, on top of the newest version, with no more than the roles allow."""
        environment, key = self.environment(where), self.feature(which)
        known = self.model.environments[environment].values.get(key)
        if known is None:
            return
        kind, base = self.model.features[key], known.current
        value = data.draw(VALUES[kind])
        path = f"/mr-api/features/{environment}/feature/{quoted(key)}"
        body = {"key": key, "locked": base.locked, "retired": base.retired}
        body |= {"id": self.world.call("GET", path)["id"], "version": known.version}
        if value is not None:
            body[MEMBERS[kind]] = value
        status, answer = self.world.ask("PUT", path, body, self.token)
        held = self.held(environment)
        if not held & {"LOCK", "UNLOCK", "CHANGE_VALUE"}:
            assert status == 403, (held, body, answer)
        elif value == base.value:
            assert status == 200, (held, body, answer)
        elif base.locked:
            assert status == 409, (held, body, answer)
        elif "CHANGE_VALUE" not in held:
            assert status == 403, (held, body, answer)
        else:
            wanted = Setting(value, base.locked, base.retired, base.attached)
            accepted, told = self.model.write(environment, key, known.version, wanted)
            assert (status, accepted) == (200, True), (held, body, answer)
            self.expected += told

    @precondition(lambda self: self.alive() and len(self.model.features) > 2)
    @rule()
    def delete_portfolio(self) -> None:
        """With everything in it; the next one has its name."""
        assert self.world.call("DELETE", f"/mr-api/portfolio/{self.portfolio}") is True
        for environment in list(self.model.environments):
            self.expected += self.model.delete_environment(environment)
        for account in list(self.model.accounts):
            self.expected += self.model.delete_account(account)
        self.model.clear()
        self.model.filters.clear()
        self.group, self.deleted = None, True
        body = {"name": self.name, "description": ""}
        self.portfolio = self.world.call("POST", "/mr-api/portfolio", body)["id"]

    @invariant()
    def the_member_sees_what_they_may(self) -> None:
        for environment, known in self.model.environments.items():
            path = f"/mr-api/features/{environment}"
            status, answer = self.world.ask("GET", path, None, self.token)
            assert status == (200 if self.held(environment) else 403), (environment, answer)
            if status == 200:
                assert {one["key"] for one in answer["featureValues"]} == known.values.keys()
