"""Heads that come again: each is its own key, but for lines that only number requests."""

import pytest

from fh.edge.heads import KnownHeads

HEAD = b"GET /features?apiKey=1 HTTP/1.1\r\nHost: x\r\n\r\n"
TRACED = HEAD[:-2] + b"TraceParent: 00-%d-01\r\nx-request-id: %d\r\n\r\n"


def known() -> KnownHeads[str]:
    heads = KnownHeads[str]()
    heads.remember(HEAD, "it", 0)
    return heads


def test_a_head_is_worth_remembering_when_it_comes_again() -> None:
    heads = KnownHeads[str]()
    assert [heads.came_before(HEAD) for _ in range(3)] == [False, True, True]
    assert not heads.came_before(HEAD + b"x")


@pytest.mark.parametrize("head", [b"POST" + HEAD[3:], HEAD[:-2] + b"a: " + b"x" * 4096 + b"\r\n"])
def test_what_is_no_get_or_too_long_is_never_worth_it(head: bytes) -> None:
    heads = KnownHeads[str]()
    assert [heads.came_before(head) for _ in range(3)] == [False] * 3


def test_lines_that_number_requests_make_no_difference() -> None:
    heads = known()
    assert heads.find(HEAD) == "it"
    assert heads.find(TRACED % (1, 1)) == "it"
    assert heads.find(TRACED % (2, 2)) == "it"
    heads = KnownHeads[str]()
    assert [heads.came_before(TRACED % (number, number)) for number in range(2)] == [False, True]


@pytest.mark.parametrize(
    "line",
    [
        b"x-featurehub: userkey=fred\r\n",
        b"if-none-match: x\r\n",
        b"last-event-id: x\r\n",
        b"origin: http://a\r\n",
        b"content-length: 5\r\n",
        b"x-request-id2: 1\r\n",
        b"my-traceparent: 1\r\n",
        b"traceparent : 1\r\n",
        b"traceparent: \x00\r\n",
        b"traceparent: 1\n\r\n",
        b"traceparent: 1\r\n folded\r\n",
        b"x-request-id: 1\r\n" * 9,
    ],
)
def test_any_other_line_makes_a_head_another(line: bytes) -> None:
    assert known().find(HEAD[:-2] + line + b"\r\n") is None


def test_a_line_before_the_request_is_none_of_a_head() -> None:
    assert known().find(b"\r\ntraceparent: 1\r\n" + HEAD) is None


def test_the_oldest_that_was_not_used_makes_room() -> None:
    heads = KnownHeads[str](capacity=2)
    heads.remember(b"first", "1", 0)
    heads.remember(b"second", "2", 0)
    assert heads.find(b"first")
    heads.remember(b"third", "3", 0)
    assert [heads.find(head) for head in (b"first", b"second", b"third")] == ["1", None, "3"]
    for number in range(5):
        heads.remember(b"%d" % number, "more", 0)
    assert len(heads) == 2


def test_they_are_bounded_in_bytes() -> None:
    heads = KnownHeads[str](capacity_bytes=1000)
    for number in range(50):
        heads.remember(b"%d" % number, "some", 100)
        heads.remember(b"%d" % number, "others", 100)
    assert 0 < len(heads) < 10
    heads.remember(b"large", "more than all may weigh", 2000)
    assert len(heads) == 0
