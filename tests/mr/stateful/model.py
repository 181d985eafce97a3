"""What an installation should be like after what was done to it: no server, no clock, no SQL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

BOOLEAN = "BOOLEAN"

Announced: TypeAlias = tuple[str, ...]
"""`environment | feature | account`, the action, and what it is about."""


Strategies: TypeAlias = tuple[tuple[object, object], ...]
"""Percentage and value of each."""

Served: TypeAlias = tuple[str, object, bool, int, Strategies]
"""A feature as SDKs get it: type, value, lock, version, and strategies if they evaluate them."""

Attached: TypeAlias = tuple[tuple[str, object], ...]
"""Strategies of the application in their order, with the values that they have here."""


@dataclass(frozen=True)
class Setting:
    """What a feature is set to in one environment; a value of None is none."""

    value: object
    locked: bool
    retired: bool = False
    attached: Attached = ()


@dataclass
class Value:
    """All settings that a feature ever had in one environment."""

    history: list[Setting]

    @property
    def version(self) -> int:
        return len(self.history)

    @property
    def current(self) -> Setting:
        return self.history[-1]

    def write(self, base_version: int, wanted: Setting) -> bool:
        """Merge `wanted`, made from the setting at `base_version`; return whether it is accepted.

        What the writer left as it was is left as it is; what others changed meanwhile, too.
        """
        base, current = self.history[base_version - 1], self.current
        merged = current
        for facet in ("locked", "value", "retired", "attached"):
            was, is_now, new = (getattr(one, facet) for one in (base, current, wanted))
            if new in (was, is_now):
                continue
            if was != is_now:
                return False
            merged = replace(merged, **{facet: new})
        if current.locked and merged.locked and merged != current:
            return False
        if merged != current:
            self.history.append(merged)
        return True

    def write_again(self, **changes: object) -> None:
        """The next version, in which only what is shared with others differs."""
        self.history.append(replace(self.current, **changes))


@dataclass
class Environment:
    name: str
    values: dict[str, Value] = field(default_factory=dict)


@dataclass
class Account:
    """Its secrets, and what it may do in which environment."""

    grants: dict[str, frozenset[str]]
    keys: dict[str, str] = field(default_factory=dict)
    client_keys: dict[str, str] = field(default_factory=dict)
    filters: frozenset[str] = frozenset()

    def forget_keys(self, *environment_ids: str) -> None:
        for place in environment_ids:
            self.keys.pop(place, None)
            self.client_keys.pop(place, None)


@dataclass
class Application:
    """One application and the accounts that read it; each change returns what it announces."""

    environments: dict[str, Environment] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)

    def add_environment(self, environment_id: str, name: str) -> Iterator[Announced]:
        environment = self.environments[environment_id] = Environment(name)
        yield "environment", "UPDATE", environment_id
        for key, kind in self.features.items():
            if kind == BOOLEAN:
                environment.values[key] = _switch()
                yield "feature", "UPDATE", environment_id, key

    def delete_environment(self, environment_id: str) -> Iterator[Announced]:
        del self.environments[environment_id]
        for account in self.accounts.values():
            self._retire(account, environment_id)
        yield "environment", "DELETE", environment_id

    def add_feature(self, key: str, kind: str) -> Iterator[Announced]:
        self.features[key] = kind
        for environment_id, environment in self.environments.items():
            if kind == BOOLEAN:
                environment.values[key] = _switch()
            yield "feature", "CREATE", environment_id, key

    def refresh(self) -> Iterator[Announced]:
        """Everything is announced again, and nothing changes."""
        for account_id in self.accounts:
            yield "account", "UPDATE", account_id
        for environment_id in self.environments:
            yield "environment", "UPDATE", environment_id

    def rename_feature(self, key: str, new_key: str) -> Iterator[Announced]:
        self.features[new_key] = self.features.pop(key)
        for environment_id, environment in self.environments.items():
            if key in environment.values:
                environment.values[new_key] = environment.values.pop(key)
            yield "feature", "UPDATE", environment_id, new_key

    def delete_feature(self, key: str) -> Iterator[Announced]:
        del self.features[key]
        for environment_id, environment in self.environments.items():
            environment.values.pop(key, None)
            yield "feature", "DELETE", environment_id, key

    def write(
        self, environment_id: str, key: str, base_version: int, wanted: Setting
    ) -> tuple[bool, list[Announced]]:
        """Return whether a write is accepted, and what it announces."""
        values = self.environments[environment_id].values
        told = [("feature", "UPDATE", environment_id, key)]
        if key not in values:
            values[key] = Value([wanted])
            return True, told
        before = values[key].version
        accepted = values[key].write(base_version, wanted)
        return accepted, told if values[key].version > before else []

    def add_account(self, account_id: str, grants: Mapping[str, frozenset[str]]) -> list[Announced]:
        self.accounts[account_id] = Account(dict(grants))
        touched = [environment_id for environment_id, roles in grants.items() if roles]
        return self._account_changed(account_id, touched)

    def change_grants(
        self, account_id: str, grants: Mapping[str, frozenset[str]]
    ) -> list[Announced]:
        account = self.accounts[account_id]
        touched = [
            environment_id
            for environment_id in self.environments
            if account.grants.get(environment_id, frozenset())
            != grants.get(environment_id, frozenset())
        ]
        for environment_id in touched:
            if not grants.get(environment_id):
                self._retire(account, environment_id)
        account.grants = {place: roles for place, roles in grants.items() if roles}
        return self._account_changed(account_id, touched)

    def reset_keys(self, account_id: str) -> list[Announced]:
        account = self.accounts[account_id]
        account.forget_keys(*account.grants)
        return self._account_changed(account_id, [])

    def delete_account(self, account_id: str) -> list[Announced]:
        del self.accounts[account_id]
        return [("account", "DELETE", account_id)]

    def served(self, environment_id: str, account: Account) -> dict[str, Served]:
        """Return what SDKs are served that evaluate strategies themselves, by key."""
        values = self.environments[environment_id].values
        found = {}
        for key, kind in self.features.items():
            version = values[key].version if key in values else 0
            setting = values[key].current if version else Setting(None, locked=False)
            if not setting.retired and self.shows(key, account):
                strategies = self.strategies_of(environment_id, key, setting)
                found[key] = (kind, setting.value, setting.locked, version, strategies)
        return found

    def shows(self, key: str, account: Account) -> bool:
        return True

    def strategies_of(self, environment_id: str, key: str, setting: Setting) -> Strategies:
        return ()

    def _account_changed(self, account_id: str, touched: list[str]) -> list[Announced]:
        environments = [("environment", "UPDATE", one) for one in touched]
        return [("account", "UPDATE", account_id), *environments]

    def _retire(self, account: Account, environment_id: str) -> None:
        account.grants.pop(environment_id, None)
        account.forget_keys(environment_id)


def _switch() -> Value:
    return Value([Setting(value=False, locked=True)])
