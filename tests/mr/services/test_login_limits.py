from contextlib import ExitStack

import pytest

from fh.mr.errors import TooManyAttempts
from fh.mr.services.login_limits import AttemptLimits, FailureLimit, address_key
from fh.mr.settings import MrSettings


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


def test_one_address_may_fail_for_many_accounts_but_not_for_ever():
    limits = AttemptLimits(
        MrSettings(login_failures_per_minute=2, login_failures_per_minute_and_address=5)
    )
    for number in range(5):
        limits.take(f"guess-{number}", "10.0.0.1", 0)
    with pytest.raises(TooManyAttempts):
        limits.take("guess-5", "10.0.0.1", 0)
    # From elsewhere the account is open.
    limits.take("guess-5", "10.0.0.2", 0)


def test_what_did_not_fail_counts_neither_for_account_nor_for_address():
    limits = AttemptLimits(
        MrSettings(login_failures_per_minute=1, login_failures_per_minute_and_address=1)
    )
    for _ in range(3):
        limits.take("ada", "10.0.0.1", 0)
        limits.give_back("ada", "10.0.0.1", 0)


def test_of_one_address_only_some_may_wait_at_once():
    limits = AttemptLimits(MrSettings())
    with ExitStack() as waiting:
        for _ in range(20):
            waiting.enter_context(limits.attempting("2001:db8::1"))
        with pytest.raises(TooManyAttempts), limits.attempting("2001:db8::2"):
            raise AssertionError
        with limits.attempting("2001:db8:1::1"):
            pass
    with limits.attempting("2001:db8::1"):
        pass
    assert not limits._under_way, "nothing is kept of addresses that wait for nothing"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_what_counts_as_one_address(one, other, same):
    assert (address_key(one) == address_key(other)) is same


def test_who_is_refused_for_an_account_costs_the_others_of_the_address_nothing():
    limits = AttemptLimits(
        MrSettings(login_failures_per_minute=2, login_failures_per_minute_and_address=5)
    )
    for _ in range(2):
        limits.take("ada", "10.0.0.1", 0)
    for _ in range(50):
        with pytest.raises(TooManyAttempts):
            limits.take("ada", "10.0.0.1", 0)
    for number in range(3):
        limits.take(f"other-{number}", "10.0.0.1", 0)
    with pytest.raises(TooManyAttempts):
        limits.take("bob", "10.0.0.1", 0)
    # The address was refused, not the account.
    limits.take("bob", "10.0.0.2", 0)
    limits.take("bob", "10.0.0.2", 0)
