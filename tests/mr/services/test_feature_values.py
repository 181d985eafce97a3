"""What happens when two write at once; what one alone may do is tested through HTTP."""

from typing import Any

import pytest
import trio
from msgspec import Raw

from fh.contracts.published import has_value
from fh.model.feature_type import FeatureType
from fh.mr.attachment import MOST_ATTACHED, SentAttachment
from fh.mr.errors import Invalid, NotFound
from fh.mr.outbox import announce
from fh.mr.repositories.access import find_application_rights
from fh.mr.repositories.features import find_feature
from fh.mr.repositories.publishing import load_published_feature
from fh.mr.rollout_strategy import (
    Conditional,
    FieldType,
    RolloutStrategy,
    RolloutStrategyAttribute,
    encode_strategies,
)
from fh.mr.services.feature_values import load_value, save_value
from fh.mr.services.features import delete_feature
from fh.mr.services.value_writes import SentValue, ValueWrite, write_values
from fh.mr.strategy_bounds import MOST_PATTERNS, MOST_STRATEGIES
from fh.mr.strategy_rules import ListFault, StrategiesRefused

# Not pg_stat_activity: a transaction sees that as it was at the first look.
_WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def _until_somebody_waits(tx, or_else: str, *args) -> None:
    """Hold the transaction open until another one waits for it, or was there before."""
    while not await tx.fetchval(_WAITERS) and not await tx.fetchval(or_else, *args):
        await tx.fetchval("SELECT pg_sleep(0.001)")


async def test_two_writers_of_different_facets_at_once_lose_nothing(database, place):
    async def save(tx, sent: SentValue) -> Any:
        return await save_value(tx, place.caller, place.environment, "title", sent)

    first = await database.transaction(lambda tx: save(tx, SentValue(locked=False, string="a")))

    async def slowly(tx, **facets: Any) -> None:
        sent = SentValue(locked=False, id=first.id, version=1, **{"string": "a", **facets})
        await save(tx, sent)
        await _until_somebody_waits(tx, "SELECT version = 3 FROM feature_value")

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            for facets in ({"string": "b"}, {"retired": True}):
                nursery.start_soon(
                    database.transaction, lambda tx, facets=facets: slowly(tx, **facets)
                )

    value = await database.transaction(
        lambda tx: load_value(tx, place.caller, place.environment, "title")
    )
    assert (value.version, value.setting.value, value.setting.retired) == (3, "b", True)


async def test_an_update_is_never_announced_after_the_farewell(database, place, sql):
    """The writer has read what it will announce, and only then the feature is deleted."""
    reached = trio.Event()
    first = await database.transaction(
        lambda tx: save_value(
            tx, place.caller, place.environment, "title", SentValue(locked=False, string="a")
        )
    )

    async def write_slowly(tx) -> None:
        feature = await find_feature(tx, place.application, "title")
        rights = await find_application_rights(tx, place.caller, place.application)
        sent = SentValue(locked=False, id=first.id, version=1, string="b")
        write = ValueWrite(place.environment, feature, sent)
        await write_values(tx, place.caller, rights, [write])
        event = await load_published_feature(tx, place.environment, feature.id)
        await _until_somebody_waits(tx, "SELECT when_archived IS NOT NULL FROM feature")
        await announce(tx, event)

    async def write() -> None:
        reached.set()
        await database.transaction(write_slowly)

    async def delete() -> None:
        await reached.wait()
        # Only once the value is on its way: its row is not visible, but its lock is.
        while not (await sql("SELECT count(*) > 0 FROM pg_locks WHERE mode = 'RowShareLock'"))[0][
            0
        ]:
            await trio.lowlevel.checkpoint()
        await database.transaction(
            lambda tx: delete_feature(tx, place.caller, place.application, "title")
        )

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            nursery.start_soon(delete)

    rows = await sql("SELECT body FROM outbox WHERE kind = 'feature-values' ORDER BY id")
    assert b'"DELETE"' in rows[-1]["body"]
    assert b'"UPDATE"' in rows[-2]["body"]


async def test_a_feature_that_went_meanwhile_is_not_written(database, place):
    async def work(tx) -> None:
        feature = await find_feature(tx, place.application, "title")
        rights = await find_application_rights(tx, place.caller, place.application)
        await delete_feature(tx, place.caller, place.application, "title")
        sent = SentValue(locked=False)
        write = ValueWrite(place.environment, feature, sent)
        await write_values(tx, place.caller, rights, [write])

    with pytest.raises(NotFound):
        await database.transaction(work)


@pytest.fixture
async def save(database, place):
    """Save what is wanted of the feature on top of one of its versions."""

    async def run(strategies, version: int = 0, value_id: Any = None, string: str = "a") -> Any:
        sent = SentValue(
            locked=False, id=value_id, version=version, string=string, strategies=strategies
        )
        return await database.transaction(
            lambda tx: save_value(tx, place.caller, place.environment, "title", sent)
        )

    return run


async def test_what_many_add_to_a_list_is_bounded_together(save):
    patterns = tuple(Raw(b'"x"') for _ in range(MOST_PATTERNS // 2 + 1))
    rule = RolloutStrategyAttribute(Conditional.REGEX, "country", FieldType.STRING, values=patterns)
    strategies = [RolloutStrategy(name="n", value=Raw(b'"b"'), attributes=(rule,))]
    first = await save([])
    await save(strategies, 1, first.id)
    with pytest.raises(Invalid) as refused:
        await save(strategies, 1, first.id)
    assert refused.value.field == "rolloutStrategies"


def _share(name: str, percentage: int) -> RolloutStrategy:
    return RolloutStrategy(name=name, value=Raw(b'"b"'), percentage=percentage)


async def test_what_many_add_to_a_list_shares_the_percentages(save):
    first = await save([])
    await save([_share("one", 600_000)], 1, first.id)
    with pytest.raises(StrategiesRefused) as refused:
        await save([_share("other", 600_000)], 1, first.id)
    assert refused.value.verdict.faults == (ListFault.PERCENTAGE_ADDS_OVER_100_PERCENT,)
    third = await save([_share("other", 400_000)], 1, first.id)
    assert [one.name for one in third.setting.strategies] == ["other", "one"]


async def test_what_many_attach_is_bounded_together(database, place, sql):
    async def save(attached, version: int = 0, value_id: Any = None) -> Any:
        sent = SentValue(locked=False, id=value_id, version=version, attached=attached)
        return await database.transaction(
            lambda tx: save_value(tx, place.caller, place.environment, "title", sent)
        )

    made = await sql(
        """
        INSERT INTO application_strategy (application_id, name, code, strategy, who_changed)
        SELECT $1, 'name ' || n, 'code ' || n, '{}', $2 FROM generate_series(0, $3) n
        RETURNING id
        """,
        place.application,
        place.caller.person_id,
        MOST_ATTACHED,
    )
    strategies = [SentAttachment(row["id"]) for row in made]
    first = await save([])
    await save(strategies[:MOST_ATTACHED], 1, first.id)
    with pytest.raises(Invalid) as refused:
        await save(strategies[MOST_ATTACHED:], 1, first.id)
    assert refused.value.field == "rolloutStrategyInstances"


async def test_a_list_that_outgrew_the_bounds_long_ago_is_no_obstacle(save, sql):
    first = await save([])
    many = encode_strategies((RolloutStrategy(),) * (MOST_STRATEGIES + 1))
    await sql("UPDATE feature_value SET rollout_strategies = $1::text::jsonb", many)
    second = await save(None, 1, first.id, "b")
    assert second.setting.value == "b"
    assert len(second.setting.strategies) == MOST_STRATEGIES + 1


def test_only_the_member_of_the_type_counts():
    sent = SentValue(locked=True, boolean=True, string="s", number=Raw(b"1"), json="{}")
    assert has_value(sent.number)
    wanted = {one: sent.wanted(one, {}).value for one in FeatureType}
    assert wanted == {"BOOLEAN": "true", "STRING": "s", "NUMBER": "1", "JSON": "{}"}
