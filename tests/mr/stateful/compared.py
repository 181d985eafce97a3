"""One application under test, and what has to hold after each step."""

from collections import Counter
from typing import Any
from urllib.parse import quote

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.mr.stateful.model import Account, Announced, Setting
from tests.mr.stateful.shared_model import Sharing
from tests.mr.stateful.world import Watch, World

MEMBERS = {
    "BOOLEAN": "valueBoolean",
    "STRING": "valueString",
    "NUMBER": "valueNumber",
    "JSON": "valueJson",
}


class Compared(RuleBasedStateMachine):
    """Knows what an application should be like, and compares; subclasses change it."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.path = ""
        self.model = Sharing()
        self.watches: dict[str, Watch] = {}
        self.expected: list[Announced] = []
        self.ids: set[str] = set()
        self.deleted = False

    @invariant()
    def mr_says_so(self) -> None:
        if self.deleted:
            assert self.world.ask("GET", f"{self.path}/features")[0] == 404
            return
        features = self.world.call("GET", f"{self.path}/features")
        assert {one["key"]: one["valueType"] for one in features} == self.model.features
        listed = self.world.call("GET", f"{self.path}/environment")
        assert {one["id"] for one in listed} == set(self.model.environments)
        for environment_id, environment in self.model.environments.items():
            values = self.world.call("GET", f"/mr-api/features/{environment_id}")["featureValues"]
            found = {
                one["key"]: (_setting(one, self.model.features[one["key"]]), one["version"])
                for one in values
            }
            assert found == {
                key: (value.current, value.version) for key, value in environment.values.items()
            }

    @invariant()
    def it_was_announced(self) -> None:
        self.ids.update(one[2] for one in self.expected)
        heard = self.world.spy.take(len(self.expected))
        expected, self.expected = self.expected, []
        assert Counter(heard) == Counter(expected)
        for environment_id, environment in self.model.environments.items():
            for key, value in environment.values.items():
                told = self.world.spy.values[environment_id, key]
                current = value.current
                assert told is not None
                assert (told.version, told.locked, told.retired) == (
                    value.version,
                    current.locked,
                    current.retired,
                )

    @invariant()
    def edge_serves_it(self) -> None:
        """Streams and polls of SDKs that evaluate strategies; polls of those that don't."""
        current: dict[str, tuple[str, Account]] = {}
        for account in self.model.accounts.values():
            for place, key in account.client_keys.items():
                current[key] = place, account
                plain = {
                    name: (*one[:-1], ()) for name, one in self.model.served(place, account).items()
                }
                server_key = account.keys[place]
                assert self.world.poll_until(server_key, plain) == plain
        for key, (place, account) in current.items():
            wanted = self.model.served(place, account)
            assert self.world.poll_until(key, wanted) == wanted
            if key not in self.watches:
                self.watches[key] = self.world.watch(key)
            self.world.wait_for(self.watches[key], wanted)
        for key in self.watches.keys() - current.keys():
            self.world.wait_for(self.watches.pop(key), None)
            assert self.world.poll_until(key, None) is None

    def teardown(self) -> None:
        for watch in self.watches.values():
            self.world.leave(watch)
        self.world.spy.forget(*self.ids)

    def alive(self) -> bool:
        return not self.deleted

    def has_features(self) -> bool:
        return self.alive() and bool(self.model.features)

    def environment(self, number: int) -> str:
        found = list(self.model.environments)
        return found[number % len(found)]

    def feature(self, number: int) -> str:
        found = list(self.model.features)
        return found[number % len(found)]

    def account(self, number: int) -> str:
        found = list(self.model.accounts)
        return found[number % len(found)]

    def grants(self, granted: dict[int, set[str]]) -> dict[str, frozenset[str]]:
        environments = list(self.model.environments)
        return {
            environments[number]: frozenset(roles)
            for number, roles in granted.items()
            if number < len(environments) and roles
        }

    def learn_keys(self, account: dict[str, Any]) -> None:
        """Any role lets an account read."""
        held = self.model.accounts[account["id"]]
        held.keys = {place: f"{place}/{account['apiKeyServerSide']}" for place in held.grants}
        held.client_keys = {
            place: f"{place}/{account['apiKeyClientSide']}" for place in held.grants
        }


def quoted(key: str) -> str:
    return quote(key, safe="")


def permissions(granted: dict[str, frozenset[str]]) -> list[dict[str, Any]]:
    return [
        {"environmentId": place, "permissions": sorted(roles)} for place, roles in granted.items()
    ]


def _setting(body: dict[str, Any], kind: str) -> Setting:
    attached = [(one["strategyId"], one.get("value")) for one in body["rolloutStrategyInstances"]]
    return Setting(body.get(MEMBERS[kind]), body["locked"], body["retired"], tuple(attached))
