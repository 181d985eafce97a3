from contextlib import ExitStack
from datetime import timedelta

import pytest

from fh.mr.errors import TooManyAttempts
from fh.mr.services.login_limits import AttemptLimits, address_key
from fh.mr.settings import MrSettings


def test_an_account_pays_its_own_share_and_then_an_address_a_smaller_one():
    limits = AttemptLimits(MrSettings())
    one = limits.attempt("ada@i.com", "2001:db8::1")
    other = limits.attempt("bob@i.com", "2001:db8::2")
    assert one.shares == (timedelta(seconds=6), timedelta(seconds=0.6))
    assert one.counted[0] != other.counted[0]
    assert one.counted[1] == other.counted[1]


def test_who_calls_themselves_like_an_address_is_an_account_all_the_same():
    limits = AttemptLimits(MrSettings())
    both = limits.attempt("10.0.0.1", "10.0.0.1").counted
    assert both[0] != both[1]


def test_what_was_tried_is_not_told():
    limits = AttemptLimits(MrSettings())
    told = str(limits.attempt("typed-password", "10.0.0.1"))
    assert "typed" not in told
    assert "10.0.0.1" not in told


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
