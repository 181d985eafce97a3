"""What features share: strategies of their application, groups in an environment, and filters."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from tests.mr.stateful.model import (
    Account,
    Announced,
    Application,
    Setting,
    Strategies,
    Value,
)


@dataclass
class Group:
    """Values by feature; a percentage of None is no strategy."""

    environment_id: str
    members: dict[str, object]
    percentage: int | None


@dataclass
class Sharing(Application):
    """An application whose features share things; the strategies' percentages by identifier."""

    strategies: dict[str, int] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    filters: set[str] = field(default_factory=set)
    labels: dict[str, frozenset[str]] = field(default_factory=dict)

    @override
    def delete_environment(self, environment_id: str) -> Iterator[Announced]:
        for group_id, group in list(self.groups.items()):
            if group.environment_id == environment_id:
                del self.groups[group_id]
        yield from super().delete_environment(environment_id)

    @override
    def rename_feature(self, key: str, new_key: str) -> Iterator[Announced]:
        for named in (self.labels, *(group.members for group in self.groups.values())):
            if key in named:
                named[new_key] = named.pop(key)
        yield from super().rename_feature(key, new_key)

    @override
    def delete_feature(self, key: str) -> Iterator[Announced]:
        self.labels.pop(key, None)
        for group in self.groups.values():
            group.members.pop(key, None)
        yield from super().delete_feature(key)

    def clear(self) -> None:
        """Nothing is there any more but filters and accounts."""
        self.features.clear()
        self.strategies.clear()
        self.labels.clear()

    # Strategies

    def change_strategy(self, strategy_id: str, percentage: int) -> list[Announced]:
        if self.strategies[strategy_id] == percentage:
            return []
        self.strategies[strategy_id] = percentage
        told = []
        for environment_id, key, value in self._attached_to(strategy_id):
            value.write_again()
            told.append(("feature", "UPDATE", environment_id, key))
        return told

    def delete_strategy(self, strategy_id: str) -> list[Announced]:
        told = []
        for environment_id, key, value in self._attached_to(strategy_id):
            left = [one for one in value.current.attached if one[0] != strategy_id]
            value.write_again(attached=tuple(left))
            told.append(("feature", "UPDATE", environment_id, key))
        del self.strategies[strategy_id]
        return told

    def _attached_to(self, strategy_id: str) -> list[tuple[str, str, Value]]:
        return [
            (environment_id, key, value)
            for environment_id, environment in self.environments.items()
            for key, value in environment.values.items()
            if strategy_id in dict(value.current.attached)
        ]

    # Groups

    def add_group(self, group_id: str, group: Group) -> list[Announced]:
        self.groups[group_id] = group
        return self._republish(group, group.members if group.percentage is not None else ())

    def change_group(
        self, group_id: str, members: Mapping[str, object], percentage: int | None
    ) -> list[Announced]:
        group = self.groups[group_id]
        everybody = {**group.members, **members}
        affected = {
            key
            for key in everybody
            if (key in group.members) != (key in members)
            or group.members[key] != members[key]
            or group.percentage != percentage
        }
        group.members, group.percentage = dict(members), percentage
        return self._republish(group, affected)

    def delete_group(self, group_id: str) -> list[Announced]:
        group = self.groups.pop(group_id)
        return self._republish(group, group.members if group.percentage is not None else ())

    def _republish(self, group: Group, affected: Iterable[str]) -> list[Announced]:
        values = self.environments[group.environment_id].values
        first = group.members.keys() - values.keys()
        for key in {*affected} - first:
            values[key].write_again()
        for key in first:
            values[key] = Value([Setting(None, locked=False)])
        told = {*affected} | first
        return [("feature", "UPDATE", group.environment_id, key) for key in told]

    # Filters

    def label_feature(self, key: str, filters: frozenset[str]) -> list[Announced]:
        if self.labels.get(key, frozenset()) == filters:
            return []
        self.labels[key] = filters
        return self._everywhere(key)

    def label_account(self, account_id: str, filters: frozenset[str]) -> list[Announced]:
        self.accounts[account_id].filters = filters
        return [("account", "UPDATE", account_id)]

    def may_delete_filter(self, filter_id: str) -> bool:
        """Whether no account would see everything from then on."""
        return all(account.filters != {filter_id} for account in self.accounts.values())

    def delete_filter(self, filter_id: str) -> list[Announced]:
        self.filters.remove(filter_id)
        told = []
        for key, labels in self.labels.items():
            if filter_id in labels:
                self.labels[key] = labels - {filter_id}
                told += self._everywhere(key)
        for account_id, account in self.accounts.items():
            if filter_id in account.filters:
                account.filters -= {filter_id}
                told.append(("account", "UPDATE", account_id))
        return told

    def _everywhere(self, key: str) -> list[Announced]:
        return [("feature", "UPDATE", environment_id, key) for environment_id in self.environments]

    # SDKs

    @override
    def shows(self, key: str, account: Account) -> bool:
        return not account.filters or bool(account.filters & self.labels.get(key, frozenset()))

    @override
    def strategies_of(self, environment_id: str, key: str, setting: Setting) -> Strategies:
        attached = [(self.strategies[one], value) for one, value in setting.attached]
        grouped = [
            (group.percentage, group.members[key])
            for group in self.groups.values()
            if group.environment_id == environment_id
            and group.percentage is not None
            and key in group.members
        ]
        return (*attached, *grouped)
