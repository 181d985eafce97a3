import threading
from collections.abc import Callable

import pytest
import trio
import trio.testing

from fh.db.errors import DatabaseUnavailable
from fh.mr.event_log import DatabaseEventLog
from fh.mr.settings import SessionLimits
from fh.mr.sweeping import Sweeper

LIMITS = SessionLimits(idle_seconds=3600, lifetime_seconds=86_400)
ANSWER = """
INSERT INTO idempotent_answer (digest, request_hash, when_created)
SELECT convert_to($1 || n, 'UTF8'), '', now() - $2::text::interval FROM generate_series(1, $3) n
"""
SESSION = """
INSERT INTO login_session (token_hash, person_id, when_created, last_seen)
SELECT convert_to($1 || n, 'UTF8'), p.id, now() - $2::text::interval, now() - $3::text::interval
FROM generate_series(1, $4) n, (SELECT id FROM person LIMIT 1) p
"""


@pytest.fixture
def sweeper(database) -> Callable[..., Sweeper]:
    def make(limits: SessionLimits = LIMITS, rows: int = 1000) -> Sweeper:
        return Sweeper(database, DatabaseEventLog(database), limits, rows=rows)

    return make


@pytest.fixture
async def names(superuser, sql):
    """What is left, by the names that tests gave it."""
    await sql("DELETE FROM login_session")

    async def left() -> set[str]:
        rows = await sql(
            "SELECT convert_from(digest, 'UTF8') AS name FROM idempotent_answer "
            "UNION ALL SELECT convert_from(token_hash, 'UTF8') FROM login_session"
        )
        return {row["name"] for row in rows}

    return left


async def test_what_is_over_is_thrown_away_and_nothing_else(sweeper, names, sql):
    await sql(ANSWER, "answer-old-", "25 hours", 7)
    await sql(ANSWER, "answer-new-", "23 hours", 1)
    await sql(SESSION, "session-idle-", "2 hours", "62 minutes", 7)
    await sql(SESSION, "session-aged-", "25 hours", "1 second", 1)
    await sql(SESSION, "session-used-", "23 hours", "59 minutes", 1)
    # More than one transaction deletes.
    await sweeper(rows=3).sweep()
    assert await names() == {"answer-new-1", "session-used-1"}


async def test_failed_logins_that_count_no_more_are_thrown_away(sweeper, sql):
    await sql(
        "INSERT INTO login_attempt SELECT convert_to('old-' || n, 'UTF8'), now() - interval '1 s' "
        "FROM generate_series(1, 7) n"
    )
    await sql("INSERT INTO login_attempt VALUES ('new', now() + interval '1 minute')")
    await sweeper(rows=3).sweep()
    assert [bytes(row["counted"]) for row in await sql("SELECT * FROM login_attempt")] == [b"new"]


async def test_where_sessions_never_end_none_is_thrown_away(sweeper, names, sql):
    await sql(SESSION, "session-", "900 days", "900 days", 1)
    await sweeper(SessionLimits(None, None)).sweep()
    assert await names() == {"session-1"}


async def test_a_row_that_somebody_holds_is_left_for_later(sweeper, names, sql, database):
    await sql(SESSION, "session-", "900 days", "900 days", 2)
    held, enough = trio.Event(), threading.Event()

    async def hold(tx):
        await tx.execute("SELECT FROM login_session WHERE token_hash = 'session-1' FOR UPDATE")
        token.run_sync_soon(held.set)
        while not enough.is_set():
            await tx.fetchval("SELECT pg_sleep(0.001)")

    token = trio.lowlevel.current_trio_token()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, hold)
            await held.wait()
            await sweeper().sweep()
            enough.set()
    assert await names() == {"session-1"}


async def test_tokens_of_machines_are_for_ever(sweeper, names, sql):
    await sql("UPDATE person SET person_type = 'serviceAccount'")
    await sql(SESSION, "session-", "900 days", "900 days", 1)
    await sweeper().sweep()
    assert await names() == {"session-1"}


async def test_it_goes_on_after_the_database_was_away(autojump_clock: trio.testing.MockClock):
    tried = []

    class Away:
        async def transaction(self, work, *, read_only=False):
            tried.append(trio.current_time())
            raise DatabaseUnavailable("it is away")

    sweeper = Sweeper(Away(), DatabaseEventLog(Away()), LIMITS)
    with trio.move_on_after(1201):
        await sweeper.run()
    times = {round(at - tried[0]) for at in tried}
    assert times == set(range(0, 1201, 30))
    assert tried.count(tried[0]) == 2, "the log of events, and all else"
