import pytest

from fh.mr.errors import TooManyAttempts
from fh.mr.services.login_limits import FailureLimit


def exhaust(limit: FailureLimit, key: str, now: float) -> int:
    taken = 0
    while True:
        try:
            limit.take(key, now)
        except TooManyAttempts:
            return taken
        taken += 1


def test_as_many_may_fail_at_once_as_in_a_minute():
    assert exhaust(FailureLimit(10), "ada", 0) == 10


def test_who_has_to_wait_is_told_how_long():
    limit = FailureLimit(10)
    exhaust(limit, "ada", 100)
    with pytest.raises(TooManyAttempts) as caught:
        limit.take("ada", 102)
    assert caught.value.retry_after_seconds == 4
    limit.take("ada", 106)


def test_attempts_come_back_over_a_minute_and_do_not_pile_up():
    limit = FailureLimit(10)
    exhaust(limit, "ada", 0)
    assert exhaust(limit, "ada", 30) == 5
    assert exhaust(limit, "ada", 10_000) == 10


def test_one_key_does_not_block_another():
    limit = FailureLimit(2)
    exhaust(limit, "ada", 0)
    assert exhaust(limit, "bob", 0) == 2


def test_an_attempt_that_succeeds_does_not_count():
    limit = FailureLimit(2)
    for _ in range(50):
        limit.take("ada", 0)
        limit.give_back("ada", 0)
    assert len(limit) == 0
    assert exhaust(limit, "ada", 0) == 2


def test_memory_is_bounded():
    limit = FailureLimit(2, capacity=100)
    for number in range(1000):
        limit.take(f"guess-{number}", 0)
    assert len(limit) == 100
    assert exhaust(limit, "guess-999", 0) == 1
