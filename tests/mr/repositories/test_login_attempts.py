from datetime import timedelta

import pytest

from fh.mr.errors import TooManyAttempts
from fh.mr.repositories.login_attempts import (
    Attempt,
    forget_full_buckets,
    give_attempt_back,
    take_attempt,
)

PASS = "UPDATE login_attempt SET full_at = full_at - $1::text::interval"


def attempt(*names, at_most=10):
    shares = [timedelta(microseconds=60_000_000 // at_most)] * len(names)
    return Attempt([name.encode() for name in names], shares)


async def refused(tx, one):
    """Return after how many seconds one may come again who is refused; None if they are not."""
    try:
        await take_attempt(tx, one)
    except TooManyAttempts as refusal:
        return refusal.retry_after_seconds
    return None


async def exhaust(tx, one):
    """Return how many attempts there are left; to one transaction all are in the same moment."""
    taken = 0
    while await refused(tx, one) is None:
        taken += 1
    return taken


@pytest.fixture
def in_one_moment(database):
    async def run(work):
        return await database.transaction(work)

    return run


@pytest.mark.parametrize("at_most", [1, 2, 7, 10, 100])
async def test_as_many_may_fail_at_once_as_in_a_minute(in_one_moment, at_most):
    async def work(tx):
        assert await exhaust(tx, attempt("ada", at_most=at_most)) == at_most

    await in_one_moment(work)


async def test_who_has_to_wait_is_told_how_long(in_one_moment):
    async def work(tx):
        await exhaust(tx, attempt("ada"))
        await tx.execute(PASS, "2 seconds")
        assert await refused(tx, attempt("ada")) == 4
        await tx.execute(PASS, "4 seconds")
        assert await refused(tx, attempt("ada")) is None

    await in_one_moment(work)


async def test_attempts_come_back_over_a_minute_and_do_not_pile_up(in_one_moment):
    async def work(tx):
        await exhaust(tx, attempt("ada"))
        await tx.execute(PASS, "30 seconds")
        assert await exhaust(tx, attempt("ada")) == 5
        await tx.execute(PASS, "1 day")
        assert await exhaust(tx, attempt("ada")) == 10

    await in_one_moment(work)


async def test_an_attempt_that_succeeds_does_not_count(in_one_moment):
    async def work(tx):
        one = attempt("ada", "10.0.0.1", at_most=2)
        for _ in range(50):
            await take_attempt(tx, one)
            await give_attempt_back(tx, one)
        assert await exhaust(tx, one) == 2

    await in_one_moment(work)


async def test_one_that_is_given_back_late_gives_nobody_more_than_there_is(in_one_moment):
    async def work(tx):
        one = attempt("ada", at_most=2)
        await take_attempt(tx, one)
        await tx.execute(PASS, "1 hour")
        await give_attempt_back(tx, one)
        assert await exhaust(tx, one) == 2

    await in_one_moment(work)


async def test_who_is_refused_costs_nobody_anything(in_one_moment):
    async def work(tx):
        await exhaust(tx, attempt("ada", "10.0.0.1"))
        await give_attempt_back(tx, attempt("10.0.0.1"))
        for _ in range(50):
            assert await refused(tx, attempt("ada", "10.0.0.1"))
        assert await exhaust(tx, attempt("bob", "10.0.0.1")) == 1
        # The address was refused, not the account.
        assert await exhaust(tx, attempt("bob", "10.0.0.2")) == 9

    await in_one_moment(work)


async def test_of_two_at_the_same_time_the_last_attempt_is_only_given_to_one(
    database, in_turn, sql
):
    one = attempt("ada", "10.0.0.1", at_most=1)

    async def second():
        with pytest.raises(TooManyAttempts) as caught:
            await database.transaction(lambda tx: take_attempt(tx, one))
        assert 1 <= caught.value.retry_after_seconds <= 60

    await in_turn(lambda tx: take_attempt(tx, one), second)
    [row] = await sql("SELECT max(full_at) <= now() + interval '1 minute' FROM login_attempt")
    assert row[0] is True


async def test_what_says_nothing_any_more_is_forgotten(in_one_moment):
    async def work(tx):
        for name in ("old-1", "old-2", "old-3"):
            await take_attempt(tx, attempt(name))
        await tx.execute(PASS, "6 seconds")
        await take_attempt(tx, attempt("new"))
        assert [await forget_full_buckets(tx, 2) for _ in range(3)] == [2, 1, 0]
        assert await tx.fetchval("SELECT counted FROM login_attempt") == b"new"

    await in_one_moment(work)


async def test_what_was_counted_before_the_clock_was_set_back_keeps_nobody_out(in_one_moment):
    async def work(tx):
        await exhaust(tx, attempt("ada"))
        await tx.execute(PASS, "-1 hour")
        assert await exhaust(tx, attempt("bob")) == 10
        assert await refused(tx, attempt("ada")) > 3600
        assert await forget_full_buckets(tx, 10) == 1
        assert await refused(tx, attempt("ada")) is None
        assert await refused(tx, attempt("bob")) is not None

    await in_one_moment(work)
