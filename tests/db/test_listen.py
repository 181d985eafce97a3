import pytest
import trio

pytestmark = pytest.mark.postgres


@pytest.fixture
async def database(open_database, empty_postgres_dsn):
    with trio.fail_after(30):
        async with open_database(empty_postgres_dsn) as database:
            yield database


# The sessions of other tests are none of ours: with FH_TEST_DB_URL they share the server.
_LISTENERS = "query LIKE 'LISTEN%' AND datname = current_database()"


async def until(database, condition):
    """Wait for the server to report sessions like that; bounded by the fixture."""
    sql = f"SELECT count(*) > 0 FROM pg_stat_activity WHERE {condition}"
    while not await database.transaction(lambda tx: tx.fetchval(sql)):
        await trio.lowlevel.checkpoint()


def notify(payload, channel="changes"):
    return lambda tx: tx.execute("SELECT pg_notify($1, $2)", channel, payload)


async def test_the_first_wake_up_is_empty_then_payloads_arrive_in_order(database):
    async with database.listen("changes") as wakeups:
        assert await wakeups.receive() == ""
        for payload in ("one", "two"):
            await database.transaction(notify(payload))
        await database.transaction(notify("elsewhere", "other"))
        await database.transaction(notify("three"))

        assert [await wakeups.receive() for _ in range(3)] == ["one", "two", "three"]


async def test_what_was_rolled_back_is_not_announced(database):
    async def work(tx):
        await tx.execute("SELECT pg_notify('changes', 'never')")
        raise LookupError

    async with database.listen("changes") as wakeups:
        await wakeups.receive()
        with pytest.raises(LookupError):
            await database.transaction(work)
        await database.transaction(notify("after"))

        assert await wakeups.receive() == "after"


async def test_a_lost_connection_is_replaced_and_announced_by_an_empty_wake_up(database):
    async with database.listen("changes") as wakeups:
        await wakeups.receive()
        await database.transaction(
            lambda tx: tx.execute(
                f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {_LISTENERS}"
            )
        )
        assert await wakeups.receive() == ""
        await database.transaction(notify("again"))
        assert await wakeups.receive() == "again"


async def test_too_many_notifications_are_announced_by_an_empty_wake_up(database):
    async with database.listen("changes") as wakeups:
        await wakeups.receive()
        many = "SELECT pg_notify('changes', n::text) FROM generate_series(1, 1000) n"
        await database.transaction(lambda tx: tx.execute(many))
        while await wakeups.receive() != "":
            pass


async def test_an_iteration_gives_the_payloads(database):
    async with database.listen("changes") as wakeups:
        async for payload in wakeups:
            if payload == "last":
                break
            await database.transaction(notify("last"))


async def test_listening_ends_with_the_context(database):
    async with database.listen("changes") as wakeups:
        await wakeups.receive()
    listening = f"EXISTS (SELECT FROM pg_stat_activity WHERE {_LISTENERS})"
    await until(database, f"NOT {listening}")


async def test_a_silent_connection_is_checked(database, monkeypatch):
    monkeypatch.setattr("fh.db.listen._PING_SECONDS", 0.001)
    async with database.listen("changes") as wakeups:
        await wakeups.receive()
        async with trio.open_nursery() as nursery:
            received = []

            async def receive():
                received.append(await wakeups.receive())

            nursery.start_soon(receive)
            await until(database, "query = 'SELECT 1' AND datname = current_database()")
            await database.transaction(notify("still here"))

    assert received == ["still here"]
