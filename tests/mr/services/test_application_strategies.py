"""What happens when a strategy goes while it is attached; the rest is tested through HTTP."""

import trio

from fh.mr.attachment import SentAttachment
from fh.mr.repositories.access import find_application_rights
from fh.mr.repositories.application_strategies import hold_strategies
from fh.mr.repositories.features import find_feature
from fh.mr.rollout_strategy import RolloutStrategy
from fh.mr.services.application_strategies import create_strategy, delete_strategy
from fh.mr.services.feature_values import load_value
from fh.mr.services.value_writes import SentValue, ValueWrite, write_values

_WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
_GONE = "SELECT bool_and(when_archived IS NOT NULL) FROM application_strategy"


async def test_a_strategy_that_is_held_goes_only_after_it_was_attached(database, place, sql):
    made = await database.transaction(
        lambda tx: create_strategy(
            tx, place.caller, place.application, RolloutStrategy(name="shared")
        )
    )
    held = trio.Event()

    async def attach(tx) -> None:
        rights = await find_application_rights(tx, place.caller, place.application)
        feature = await find_feature(tx, place.application, "title")
        sent = SentValue(locked=False, attached=[SentAttachment(made.id)])
        await hold_strategies(tx, place.application, [made.id])
        while not await tx.fetchval(_WAITERS) and not await tx.fetchval(_GONE):
            await tx.fetchval("SELECT pg_sleep(0.001)")
        write = ValueWrite(place.environment, feature, sent)
        await write_values(tx, place.caller, rights, [write])

    async def first() -> None:
        held.set()
        await database.transaction(attach)

    async def second() -> None:
        await held.wait()
        # Only once it is held: the row looks the same, but its lock is there.
        while not (await sql("SELECT count(*) FROM pg_locks WHERE mode = 'RowShareLock'"))[0][0]:
            await trio.lowlevel.checkpoint()
        await database.transaction(
            lambda tx: delete_strategy(tx, place.caller, place.application, made.id)
        )

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(first)
            nursery.start_soon(second)

    value = await database.transaction(
        lambda tx: load_value(tx, place.caller, place.environment, "title")
    )
    assert (value.version, value.setting.attached) == (2, ())
    assert await sql("SELECT FROM attached_strategy") == []
