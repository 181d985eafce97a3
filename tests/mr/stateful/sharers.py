"""Admins who also share strategies, values and filters among features."""

import time
from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from typing_extensions import override

from tests.mr.stateful.admins import VALUES, Admins, anywhere
from tests.mr.stateful.compared import MEMBERS, quoted
from tests.mr.stateful.model import Attached, Setting
from tests.mr.stateful.shared_model import Group

MOST_STRATEGIES = 3
MOST_GROUPS = 3
MOST_FILTERS = 2

percentages = st.sampled_from([0, 250_000, 1_000_000])
some = st.lists(st.integers(0, 11), max_size=3)


class Sharers(Admins):
    """Drives what features share; there is something of everything from the beginning."""

    @override
    @initialize()
    def begin(self) -> None:
        super().begin()
        switch, number = self.model.features
        [environment] = self.model.environments
        self.add_strategy(250_000)
        self._attach(environment, number, ((_one(self.model.strategies, 0), 7),))
        self._add_group(environment, {switch: True, number: 1}, 1_000_000)
        self.add_filter()
        self.label_feature(1, [0])
        self.add_account({0: {"READ"}})
        self.label_account(1, [0])

    # Strategies of the application

    @precondition(lambda self: self.alive() and len(self.model.strategies) < MOST_STRATEGIES)
    @rule(percentage=percentages)
    def add_strategy(self, percentage: int) -> None:
        body = {"name": f"s{time.monotonic_ns()}", "percentage": percentage}
        made = self.world.call("POST", f"{self.path}/strategy", body)
        self.model.strategies[made["id"]] = percentage

    @precondition(lambda self: self.has_features() and self.model.strategies)
    @rule(where=anywhere, which=anywhere, chosen=some, data=st.data())
    def attach(self, where: int, which: int, chosen: list[int], data: Any) -> None:
        """Attach some strategies in some order, to the newest version of a value."""
        environment, key = self.environment(where), self.feature(which)
        drawn = VALUES[self.model.features[key]]
        strategies = _some(self.model.strategies, chosen)
        self._attach(environment, key, tuple((one, data.draw(drawn)) for one in strategies))

    def _attach(self, environment: str, key: str, attached: Attached) -> None:
        kind, known = self.model.features[key], self.model.environments[environment].values.get(key)
        base = Setting(None, locked=False) if known is None else known.current
        body: dict[str, Any] = {"key": key, "locked": base.locked, "retired": base.retired}
        body["rolloutStrategyInstances"] = [
            {"strategyId": one} | ({} if value is None else {"value": value})
            for one, value in attached
        ]
        if base.value is not None:
            body[MEMBERS[kind]] = base.value
        path = f"/mr-api/features/{environment}/feature/{quoted(key)}"
        version = 0
        if known is not None:
            version = known.version
            body |= {"id": self.world.call("GET", path)["id"], "version": version}
        status, answer = self.world.ask("PUT", path, body)
        wanted = Setting(base.value, base.locked, base.retired, attached)
        accepted, announced = self.model.write(environment, key, version, wanted)
        assert status == (200 if accepted else 409), (body, answer)
        self.expected += announced

    @precondition(lambda self: self.alive() and self.model.strategies)
    @rule(which=anywhere, percentage=percentages)
    def change_strategy(self, which: int, percentage: int) -> None:
        strategy = _one(self.model.strategies, which)
        body = {"percentage": percentage}
        self.world.call("PUT", f"{self.path}/rollout-strategy/{strategy}", body)
        self.expected += self.model.change_strategy(strategy, percentage)

    @precondition(lambda self: self.alive() and self.model.strategies)
    @rule(which=anywhere)
    def delete_strategy(self, which: int) -> None:
        strategy = _one(self.model.strategies, which)
        self.world.call("DELETE", f"{self.path}/rollout-strategy/{strategy}")
        self.expected += self.model.delete_strategy(strategy)

    # Groups of features

    @precondition(lambda self: self.has_features() and len(self.model.groups) < MOST_GROUPS)
    @rule(where=anywhere, chosen=some, percentage=st.none() | percentages, data=st.data())
    def add_group(self, where: int, chosen: list[int], percentage: int | None, data: Any) -> None:
        self._add_group(self.environment(where), self._members(chosen, data), percentage)

    def _add_group(self, environment: str, members: dict[str, Any], percentage: int | None) -> None:
        body = {
            "name": f"g{time.monotonic_ns()}",
            "environmentId": environment,
            "features": self._sent(members),
            "strategies": [] if percentage is None else [{"name": "g", "percentage": percentage}],
        }
        made = self.world.call("POST", f"{self.path}/feature-groups", body)
        group = Group(environment, members, percentage)
        self.expected += self.model.add_group(made["id"], group)

    @precondition(lambda self: self.has_features() and self.model.groups)
    @rule(which=anywhere, chosen=some, percentage=st.none() | percentages, data=st.data())
    def change_group(
        self, which: int, chosen: list[int], percentage: int | None, data: Any
    ) -> None:
        """Give a group other members, another percentage, or both."""
        group, members = _one(self.model.groups, which), self._members(chosen, data)
        known = self.world.call("GET", f"{self.path}/feature-groups/{group}")
        [strategy] = known["strategies"] or [{"name": "g"}]
        body = {
            "id": group,
            "version": known["version"],
            "features": self._sent(members),
            "strategies": [] if percentage is None else [strategy | {"percentage": percentage}],
        }
        self.world.call("PUT", f"{self.path}/feature-groups", body)
        self.expected += self.model.change_group(group, members, percentage)

    @precondition(lambda self: self.alive() and self.model.groups)
    @rule(which=anywhere)
    def delete_group(self, which: int) -> None:
        group = _one(self.model.groups, which)
        self.world.call("DELETE", f"{self.path}/feature-groups/{group}")
        self.expected += self.model.delete_group(group)

    def _members(self, chosen: list[int], data: Any) -> dict[str, Any]:
        keys = _some(self.model.features, chosen)
        return {key: data.draw(VALUES[self.model.features[key]]) for key in keys}

    def _sent(self, members: dict[str, Any]) -> list[dict[str, Any]]:
        known = self.world.call("GET", f"{self.path}/features")
        ids = {feature["key"]: feature["id"] for feature in known}
        return [
            {"id": ids[key]} | ({} if value is None else {"value": value})
            for key, value in members.items()
        ]

    # Filters of the portfolio

    @precondition(lambda self: self.alive() and len(self.model.filters) < MOST_FILTERS)
    @rule()
    def add_filter(self) -> None:
        body = {"name": f"f{time.monotonic_ns()}"}
        self.model.filters.add(self.world.call("POST", self._filters, body)["id"])

    @precondition(lambda self: self.has_features() and self.model.filters)
    @rule(which=anywhere, chosen=some)
    def label_feature(self, which: int, chosen: list[int]) -> None:
        key, filters = self.feature(which), self._chosen(chosen)
        path = f"{self.path}/features/{quoted(key)}"
        known = self.world.call("GET", path)
        self.world.call("PUT", path, {**known, "featureFilter": sorted(filters)})
        self.expected += self.model.label_feature(key, filters)

    @precondition(lambda self: self.alive() and self.model.filters and self.model.accounts)
    @rule(which=anywhere, chosen=some)
    def label_account(self, which: int, chosen: list[int]) -> None:
        account, filters = self.account(which), self._chosen(chosen)
        known = self.world.call("GET", f"/mr-api/service-account/{account}")
        path = f"/mr-api/portfolio/{self.portfolio}/service-account"
        sent = {**known, "permsInvalid": True, "featureFilters": sorted(filters)}
        self.world.call("PUT", path, sent)
        self.expected += self.model.label_account(account, filters)

    @precondition(lambda self: self.alive() and self.model.filters)
    @rule(which=anywhere)
    def delete_filter(self, which: int) -> None:
        one = sorted(self.model.filters)[which % len(self.model.filters)]
        status, answer = self.world.ask("DELETE", f"{self._filters}/{one}?version=1")
        assert status == (200 if self.model.may_delete_filter(one) else 409), answer
        if status == 200:
            self.expected += self.model.delete_filter(one)

    @property
    def _filters(self) -> str:
        return f"/mr-api/portfolio/{self.portfolio}/feature-filter"

    def _chosen(self, numbers: list[int]) -> frozenset[str]:
        return frozenset(_some(sorted(self.model.filters), numbers))


def _one(known: dict[str, Any], number: int) -> str:
    found = list(known)
    return found[number % len(found)]


def _some(known: Collection[str], numbers: list[int]) -> list[str]:
    """Return some of them in some order, each once."""
    found = list(known)
    return list(dict.fromkeys(found[number % len(found)] for number in numbers))
