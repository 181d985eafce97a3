from random import Random

from fh.dacha.misses import Misses


def misses(capacity=10, seconds=60.0, jitter=0.0):
    return Misses(capacity, seconds, jitter=jitter, source=Random(1))


def test_a_miss_is_known_until_it_expires():
    known = misses()
    known.remember("a", now=0.0)
    assert known.knows("a", now=59.9)
    assert not known.knows("a", now=60.0)
    assert len(known) == 0


def test_what_was_never_remembered_is_no_miss():
    assert not misses().knows("a", now=0.0)


def test_the_oldest_miss_makes_room():
    known = misses(capacity=2)
    for key in "abc":
        known.remember(key, now=0.0)
    assert [known.knows(key, now=1.0) for key in "abc"] == [False, True, True]


def test_a_miss_remembered_again_is_the_newest():
    known = misses(capacity=2)
    for key in "abac":
        known.remember(key, now=0.0)
    assert [known.knows(key, now=1.0) for key in "abc"] == [True, False, True]


def test_misses_of_one_moment_expire_at_different_times():
    known = misses(capacity=1_000, jitter=0.2)
    for number in range(1_000):
        known.remember(number, now=0.0)
    assert all(known.knows(number, now=47.9) for number in range(1_000))
    left = sum(known.knows(number, now=60.0) for number in range(1_000))
    assert 400 < left < 600
    assert not any(known.knows(number, now=72.1) for number in range(1_000))


def test_a_forgotten_miss_is_none():
    known = misses()
    known.remember("a", now=0.0)
    known.forget("a")
    known.forget("b")
    known.remember("c", now=0.0)
    known.clear()
    assert len(known) == 0
