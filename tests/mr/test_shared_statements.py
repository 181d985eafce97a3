"""What features share costs as many statements for many features as for two."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import Raw

from fh.model.feature_type import FeatureType
from fh.mr.attachment import SentAttachment
from fh.mr.feature_group import GroupChange, GroupFilter, NewGroup, SentMember
from fh.mr.repositories.application_strategies import StrategyPage
from fh.mr.repositories.environments import NewEnvironment
from fh.mr.repositories.feature_filters import FilterPage
from fh.mr.repositories.features import FeatureText
from fh.mr.rollout_strategy import RolloutStrategy
from fh.mr.services.application_strategies import (
    StrategyChange,
    create_strategy,
    delete_strategy,
    list_strategies,
    update_strategy,
)
from fh.mr.services.environments import create_environment
from fh.mr.services.feature_environments import save_values_everywhere
from fh.mr.services.feature_filters import create_filter, delete_filter, find_filters
from fh.mr.services.feature_groups import create_group, delete_group, list_groups, update_group
from fh.mr.services.feature_values import load_values, save_value, save_values
from fh.mr.services.features import NewFeature, create_feature
from fh.mr.services.value_writes import SentValue

_NEW = SentValue(locked=False, string="new")


class Counting:
    """A transaction that counts its statements."""

    def __init__(self, tx: Any) -> None:
        self._tx = tx
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        self.count += 1
        return getattr(self._tx, name)


@pytest.fixture
def counted(database):
    """Run one unit of work; return its result and how many statements it took."""

    async def run(function: Any, *args: Any, **options: Any) -> tuple[Any, int]:
        async def work(tx: Any) -> tuple[Any, int]:
            counting = Counting(tx)
            result = await function(counting, *args, **options)
            return result, counting.count

        return await database.transaction(work)

    return run


@pytest.fixture
def act(counted, place):
    """Do everything with `number` features; return how many statements each part took."""

    async def run(number: int) -> dict[str, int]:
        caller, application = place.caller, place.application
        filter_, _ = await counted(create_filter, caller, place.portfolio, f"f-{number}", None)
        strategy, _ = await counted(
            create_strategy, caller, application, RolloutStrategy(name=f"s-{number}")
        )
        keys = [f"feature-{number}-{each}" for each in range(number)]
        features: list[Any] = []
        for key in keys:
            text = FeatureText(key, key)
            listed, _ = await counted(
                create_feature,
                caller,
                application,
                NewFeature(text, FeatureType.STRING, [filter_.id]),
            )
            features += [one.id for one in listed if one.text.key == key]
            sent = SentValue(locked=False, attached=[SentAttachment(strategy.id)])
            await counted(save_value, caller, place.environment, key, sent)
        members = [SentMember(one, Raw(b'"x"')) for one in features]
        taken: dict[str, int] = {}

        async def take(what: str, function: Any, *args: Any, **options: Any) -> Any:
            result, taken[what] = await counted(function, caller, *args, **options)
            return result

        known, _ = await counted(load_values, caller, place.environment)
        values = [
            (one.key, replace(_NEW, id=one.id, version=1))
            for one in known.values
            if one.key in keys
        ]
        await take("save values", save_values, place.environment, values)
        environments = [
            (await counted(create_environment, caller, application, NewEnvironment(key, "")))[0]
            for key in keys
        ]
        first = [(one.environment.id, _NEW) for one in environments]
        await take("first everywhere", save_values_everywhere, application, keys[0], first)
        following = [(place, replace(_NEW, locked=True, version=1)) for place, _ in first]
        await take("save everywhere", save_values_everywhere, application, keys[0], following)
        group = await take(
            "create group",
            create_group,
            application,
            NewGroup(place.environment, "g", "", members, [RolloutStrategy(name="g")]),
        )
        other = [SentMember(one, Raw(b'"y"')) for one in features]
        change = GroupChange(group.id, group.version, members=other)
        await take("update group", update_group, application, change)
        page = GroupFilter(None, None, descending=False, size=100, offset=0)
        await take("list groups", list_groups, application, page)
        await take("delete group", delete_group, application, group.id)
        await take("load values", load_values, place.environment)
        await take(
            "list strategies", list_strategies, application, StrategyPage(None, False, False, 9, 0)
        )
        half = StrategyChange(percentage=500_000)
        await take("update strategy", update_strategy, application, strategy.id, half)
        await take("delete strategy", delete_strategy, application, strategy.id)
        listed_filters = FilterPage(None, descending=False, size=9, offset=0)
        await take("find filters", find_filters, place.portfolio, listed_filters, details=True)
        await take("delete filter", delete_filter, place.portfolio, filter_.id, filter_.version)
        return taken

    return run


async def test_the_number_of_statements_does_not_grow_with_the_features(act):
    few = await act(2)
    assert await act(9) == few
    assert max(few.values()) < 25
