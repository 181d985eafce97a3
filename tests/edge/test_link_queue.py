"""A queue for a slow reader: bounded, in order, and honest about what it dropped."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from fh.edge.link_queue import LinkQueue

MISSED = "missed"


def queue(most=3, most_bytes=100):
    return LinkQueue(MISSED, most=most, most_bytes=most_bytes)


def taken(waiting):
    return [waiting.take_nowait() for _ in range(len(waiting))]


def test_what_was_put_and_announced_comes_in_one_order():
    waiting = queue()
    waiting.announce("a", 1)
    waiting.put("answer")
    waiting.announce("b", 1)
    assert taken(waiting) == ["a", "answer", "b"]


def test_one_announcement_too_many_drops_all_and_says_so_once():
    waiting = queue()
    for each in "abc":
        waiting.announce(each, 1)
    waiting.put("answer")
    waiting.announce("d", 1)
    assert taken(waiting) == ["answer", MISSED]
    assert waiting.dropped == 4


def test_too_many_bytes_are_too_many_as_well():
    waiting = queue(most_bytes=10)
    waiting.announce("a", 6)
    waiting.announce("b", 5)
    assert taken(waiting) == [MISSED]


def test_one_alone_may_be_larger_than_the_bound():
    waiting = queue(most_bytes=10)
    waiting.announce("huge", 1000)
    assert taken(waiting) == ["huge"]


def test_what_comes_before_the_word_was_taken_is_covered_by_it():
    waiting = queue(most=1)
    for each in "abcd":
        waiting.announce(each, 1)
    assert taken(waiting) == [MISSED]
    assert waiting.dropped == 4
    waiting.announce("e", 1)
    assert taken(waiting) == ["e"]


def test_lagging_is_told_once_until_it_is_heard():
    waiting = queue()
    waiting.lag()
    waiting.lag()
    assert taken(waiting) == [MISSED]
    waiting.lag()
    assert taken(waiting) == [MISSED]


def test_what_was_taken_makes_room():
    waiting = queue(most=2, most_bytes=10)
    for each in "abcdefgh":
        waiting.announce(each, 10)
        assert waiting.take_nowait() == each
    assert waiting.dropped == 0


def test_nothing_waits_in_an_empty_queue():
    with pytest.raises(trio.WouldBlock):
        queue().take_nowait()


async def test_who_takes_waits_for_what_comes(nursery):
    waiting = queue()
    heard = []

    async def take():
        while True:
            heard.append(await waiting.take())

    nursery.start_soon(take)
    await wait_all_tasks_blocked()
    waiting.put("a")
    waiting.announce("b", 1)
    await wait_all_tasks_blocked()
    waiting.lag()
    await wait_all_tasks_blocked()
    assert heard == ["a", "b", MISSED]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("announce"), st.integers(0, 40)),
        st.tuples(st.just("put"), st.just(0)),
        st.tuples(st.just("take"), st.just(0)),
    )
)


@given(STEPS)
def test_nothing_is_missed_without_a_word_and_nothing_grows(steps):
    waiting = queue(most=3, most_bytes=50)
    sent, heard, put = [], [], 0
    for number, (step, size) in enumerate(steps):
        if step == "announce":
            waiting.announce(number, size)
            sent.append(number)
        elif step == "put":
            waiting.put(f"answer {number}")
            put += 1
        elif len(waiting):
            heard.append(waiting.take_nowait())
        assert len(waiting) <= 3 + 1 + put
    heard += taken(waiting)
    answers = [each for each in heard if isinstance(each, str) and each != MISSED]
    assert len(answers) == put
    # Between two announcements that were heard either none was sent, or the word stands there.
    expected = iter(sent)
    gap = False
    for each in heard:
        if each == MISSED:
            gap = True
        elif not isinstance(each, str):
            skipped = 0
            while next(expected) != each:
                skipped += 1
            assert gap or not skipped
            gap = False
    assert gap or not list(expected)
