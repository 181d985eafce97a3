import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.client.answer import Answer
from bench.client.events import Unreadable
from tests.bench.scripted import HEAD, chunk


@given(size=st.integers(min_value=1, max_value=40))
def test_a_body_is_the_same_however_its_bytes_are_cut(size):
    data = HEAD + chunk("one") + chunk("two, é") + b"0\r\n\r\n"
    answer = Answer()
    body = b"".join(answer.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert (answer.status, body.decode(), answer.complete) == (200, "onetwo, é", True)


def test_a_body_that_goes_on_is_not_complete():
    answer = Answer()
    assert answer.feed(HEAD + chunk("one")) == b"one"
    assert not answer.complete


def test_what_is_no_http_is_not_read():
    with pytest.raises(Unreadable):
        Answer().feed(b"SSH-2.0\r\n")
