"""Admins who do whatever they may, in any order."""

import time
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.mr.stateful.compared import MEMBERS, Compared, permissions, quoted
from tests.mr.stateful.model import Setting

ROLES = ["READ", "CHANGE_VALUE", "LOCK", "UNLOCK", "EXTENDED_DATA"]
KEYS = ["menu", "colour", "limit", "shape", "menu 2", "ключ/1"]
MOST_ENVIRONMENTS = 3
MOST_ACCOUNTS = 3

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "BOOLEAN": st.booleans(),
    "STRING": st.none() | st.sampled_from(["a", "b", "ünï", " ", "<&>'\""]),
    "NUMBER": st.none() | st.sampled_from([0, 1, -2.5, 12345678901234567890]),
    "JSON": st.none() | st.sampled_from(['{"a": 1}', "[]", "null"]),
}
anywhere = st.integers(0, 1000)
facets = st.sets(st.sampled_from(["value", "locked", "retired"]), min_size=1)
grants = st.dictionaries(st.integers(0, MOST_ENVIRONMENTS - 1), st.sets(st.sampled_from(ROLES)))


class Admins(Compared):
    """Drives one application in a portfolio of its own."""

    @initialize()
    def begin(self) -> None:
        name = f"p{time.monotonic_ns()}"
        self.portfolio = self.world.call(
            "POST", "/mr-api/portfolio", {"name": name, "description": name}
        )["id"]
        self.name = name
        self.add_application()
        self.add_feature(0, "BOOLEAN")
        self.add_feature(0, "NUMBER")
        self.add_account({0: {"READ"}})

    # What admins do

    @precondition(lambda self: self.deleted)
    @rule()
    def add_application(self) -> None:
        """The only one; perhaps its name was in use before."""
        made = self.world.call(
            "POST",
            f"/mr-api/portfolio/{self.portfolio}/application?includeEnvironments=true",
            {"name": self.name, "description": ""},
        )
        self.path = f"/mr-api/application/{made['id']}"
        [environment] = made["environments"]
        self.expected += self.model.add_environment(environment["id"], environment["name"])
        self.deleted = False

    @precondition(lambda self: self.alive() and len(self.model.environments) < MOST_ENVIRONMENTS)
    @rule()
    def add_environment(self) -> None:
        name = f"e{time.monotonic_ns()}"
        made = self.world.call(
            "POST", f"{self.path}/environment", {"name": name, "description": ""}
        )
        self.expected += self.model.add_environment(made["id"], name)

    @precondition(lambda self: self.alive() and len(self.model.environments) > 1)
    @rule(where=anywhere)
    def delete_environment(self, where: int) -> None:
        environment = self.environment(where)
        assert self.world.call("DELETE", f"/mr-api/environment/{environment}") is True
        self.expected += self.model.delete_environment(environment)

    @precondition(lambda self: self.alive() and len(self.model.features) < len(KEYS))
    @rule(which=anywhere, kind=st.sampled_from(sorted(VALUES)))
    def add_feature(self, which: int, kind: str) -> None:
        """Perhaps one whose key was in use before."""
        free = [key for key in KEYS if key not in self.model.features]
        key = free[which % len(free)]
        body = {"key": key, "name": key, "valueType": kind}
        made = self.world.call("POST", f"{self.path}/features", body)
        assert key in {feature["key"] for feature in made}
        self.expected += self.model.add_feature(key, kind)

    @precondition(lambda self: self.alive() and len(self.model.features) < len(KEYS))
    @rule(kinds=st.lists(st.sampled_from(sorted(VALUES)), max_size=3), again=st.booleans())
    def add_features(self, kinds: list[str], again: bool) -> None:
        """Several at once; none of them where one is there already."""
        free = [key for key in KEYS if key not in self.model.features]
        new = list(zip(free, kinds, strict=False))
        taken = list(self.model.features.items())[:1] if again else []
        body = [{"key": key, "name": key, "valueType": kind} for key, kind in [*new, *taken]]
        status, made = self.world.ask("POST", f"{self.path}/features/batch", body)
        if taken:
            assert status == 409
            return
        assert [(one["key"], one["valueType"]) for one in made] == new
        for key, kind in new:
            self.expected += self.model.add_feature(key, kind)

    @precondition(lambda self: self.alive())
    @rule()
    def refresh_caches(self) -> None:
        sent = {"portfolioId": [self.portfolio]}
        found = self.world.call("POST", "/mr-api/dacha1/cache", sent)
        assert found["environmentsRefreshed"] == len(self.model.environments)
        self.expected += self.model.refresh()

    @precondition(lambda self: self.has_features())
    @rule(which=anywhere, kind=st.sampled_from(sorted(VALUES)))
    def add_a_feature_again(self, which: int, kind: str) -> None:
        body = {"key": self.feature(which), "name": "again", "valueType": kind}
        assert self.world.ask("POST", f"{self.path}/features", body)[0] == 409

    @precondition(lambda self: self.has_features() and len(self.model.features) < len(KEYS))
    @rule(which=anywhere, to=anywhere)
    def rename_feature(self, which: int, to: int) -> None:
        key = self.feature(which)
        free = [one for one in KEYS if one not in self.model.features]
        new = free[to % len(free)]
        feature = self.world.call("GET", f"{self.path}/features/{quoted(key)}")
        sent = {**feature, "key": new}
        self.world.call("PUT", f"{self.path}/features/{quoted(key)}", sent)
        self.expected += self.model.rename_feature(key, new)

    @precondition(lambda self: self.has_features())
    @rule(which=anywhere)
    def delete_feature(self, which: int) -> None:
        key = self.feature(which)
        left = self.world.call("DELETE", f"{self.path}/features/{quoted(key)}")
        assert key not in {feature["key"] for feature in left}
        self.expected += self.model.delete_feature(key)

    @precondition(lambda self: self.has_features())
    @rule(where=anywhere, which=anywhere, data=st.data())
    def set_value(self, where: int, which: int, data: Any) -> None:
        self._write(where, which, 0, {"value"}, data)

    @precondition(lambda self: self.has_features())
    @rule(where=anywhere, which=anywhere, data=st.data())
    def lock_or_unlock(self, where: int, which: int, data: Any) -> None:
        self._write(where, which, 0, {"locked"}, data)

    @precondition(lambda self: self.has_features())
    @rule(where=anywhere, which=anywhere, data=st.data())
    def retire_or_revive(self, where: int, which: int, data: Any) -> None:
        self._write(where, which, 0, {"retired"}, data)

    @precondition(lambda self: self.has_features())
    @rule(where=anywhere, which=anywhere, age=st.integers(0, 3), change=facets, data=st.data())
    def write(self, where: int, which: int, age: int, change: set[str], data: Any) -> None:
        """Change some of a value, as it was a few versions ago."""
        self._write(where, which, age, change, data)

    def _write(self, where: int, which: int, age: int, change: set[str], data: Any) -> None:
        environment, key = self.environment(where), self.feature(which)
        kind = self.model.features[key]
        known = self.model.environments[environment].values.get(key)
        version = 0 if known is None else max(1, known.version - age)
        base = Setting(None, locked=False) if known is None else known.history[version - 1]
        value = data.draw(VALUES[kind]) if "value" in change else base.value
        wanted = replace(
            base,
            value=bool(value) if kind == "BOOLEAN" else value,
            locked=base.locked != ("locked" in change),
            retired=base.retired != ("retired" in change),
        )
        body: dict[str, Any] = {"key": key, "locked": wanted.locked, "retired": wanted.retired}
        if wanted.value is not None:
            body[MEMBERS[kind]] = wanted.value
        path = f"/mr-api/features/{environment}/feature/{quoted(key)}"
        if known is not None:
            body |= {"id": self.world.call("GET", path)["id"], "version": version}
        status, answer = self.world.ask("PUT", path, body)
        accepted, announced = self.model.write(environment, key, version, wanted)
        assert status == (200 if accepted else 409), (body, answer)
        self.expected += announced

    @precondition(lambda self: self.alive() and len(self.model.accounts) < MOST_ACCOUNTS)
    @rule(granted=grants)
    def add_account(self, granted: dict[int, set[str]]) -> None:
        wanted = self.grants(granted)
        made = self.world.call(
            "POST",
            f"/mr-api/portfolio/{self.portfolio}/service-account?includePermissions=true",
            {
                "name": f"a{time.monotonic_ns()}",
                "description": "",
                "permissions": permissions(wanted),
            },
        )
        self.expected += self.model.add_account(made["id"], wanted)
        self.learn_keys(made)

    @precondition(lambda self: self.alive() and self.model.accounts)
    @rule(which=anywhere, granted=grants)
    def change_grants(self, which: int, granted: dict[int, set[str]]) -> None:
        account, wanted = self.account(which), self.grants(granted)
        path = f"/mr-api/service-account/{account}?includePermissions=true"
        known = self.world.call("GET", path)
        saved = self.world.call(
            "PUT",
            f"/mr-api/portfolio/{self.portfolio}/service-account?includePermissions=true",
            {**known, "permissions": permissions(wanted)},
        )
        self.expected += self.model.change_grants(account, wanted)
        self.learn_keys(saved)

    @precondition(lambda self: self.alive() and self.model.accounts)
    @rule(which=anywhere)
    def reset_keys(self, which: int) -> None:
        account = self.account(which)
        made = self.world.call("POST", f"/mr-api/service-account/{account}/reset-api-key")
        self.expected += self.model.reset_keys(account)
        self.learn_keys(made)

    @precondition(lambda self: self.alive() and self.model.accounts)
    @rule(which=anywhere)
    def delete_account(self, which: int) -> None:
        account = self.account(which)
        assert self.world.call("DELETE", f"/mr-api/service-account/{account}") is True
        self.expected += self.model.delete_account(account)

    @precondition(lambda self: self.alive() and len(self.model.features) > 2)
    @rule()
    def delete_application(self) -> None:
        assert self.world.call("DELETE", self.path) is True
        for environment in list(self.model.environments):
            self.expected += self.model.delete_environment(environment)
        self.model.clear()
        self.deleted = True
