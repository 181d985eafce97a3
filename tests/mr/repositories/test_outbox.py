from uuid import uuid4

import pytest

from fh.mr.repositories.outbox import (
    Progress,
    hold,
    insert_entries,
    release,
    settle,
    take_entries,
)


@pytest.fixture
def call(database):
    async def run(function, *args):
        return await database.transaction(lambda tx: function(tx, *args))

    return run


async def test_the_oldest_entries_come_first_and_no_more_than_asked_for(call):
    await call(insert_entries, [("environment", b"%d" % number) for number in range(5)])
    taken = await call(take_entries, uuid4(), 5.0, 3)
    assert [entry.body for entry in taken] == [b"0", b"1", b"2"]
    assert all(entry.age_seconds >= 0 for entry in taken)


async def test_an_entry_is_as_old_as_the_end_of_its_transaction_not_as_its_begin(database):
    async def insert(tx):
        await insert_entries(tx, [("environment", b"1")])
        return await tx.fetchval("SELECT min(when_created) > transaction_timestamp() FROM outbox")

    assert await database.transaction(insert)


async def test_while_one_holds_the_lease_others_get_nothing(call):
    await call(insert_entries, [("environment", b"1")])
    one, other = uuid4(), uuid4()
    assert len(await call(take_entries, one, 60.0, 10)) == 1
    assert await call(take_entries, other, 60.0, 10) == ()
    assert not await call(hold, other, 60.0)
    assert await call(hold, one, 60.0)
    await call(release, other)
    assert not await call(hold, other, 60.0)
    await call(release, one)
    assert len(await call(take_entries, other, 60.0, 10)) == 1


async def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(call, sql):
    one, other = uuid4(), uuid4()
    assert await call(hold, one, 5.0)
    await sql(
        "UPDATE outbox_lease SET expires_at = clock_timestamp() + interval '1 year' RETURNING 1"
    )
    assert await call(hold, other, 5.0)
    assert not await call(hold, one, 5.0)


async def test_an_empty_outbox_needs_no_lease(call, sql):
    assert await call(take_entries, uuid4(), 60.0, 10) == ()
    assert await sql("SELECT 1 FROM outbox_lease") == []


async def test_settling_twice_does_nothing(call, sql):
    await call(insert_entries, [("environment", b"1"), ("environment", b"2")])
    [first, second] = await call(take_entries, uuid4(), 5.0, 10)
    progress = Progress((first.id,), ((second.id, "why"),))
    for _ in range(2):
        await call(settle, progress)
        assert await sql("SELECT 1 FROM outbox") == []
        [dead] = await sql("SELECT id, body, reason FROM outbox_dead")
        assert tuple(dead) == (second.id, b"2", "why")
