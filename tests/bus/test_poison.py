from fh.bus.message import Letter, Message
from fh.bus.poison import Allowance, dead_letter

MESSAGE = Message("featurehub/x", "", {"ce-id": "1%20", "bad name": "x", "fh-reason": "y"}, b"{")


def test_so_many_pass_at_once_and_so_many_in_each_second():
    allowance = Allowance(3)
    assert [allowance.take(10.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert allowance.suppressed == 2
    assert [allowance.take(10.4) for _ in range(2)] == [True, False]
    assert [allowance.take(1000.0) for _ in range(4)] == [True] * 3 + [False]


def test_none_passes_where_none_is_allowed():
    allowance = Allowance(0)
    assert not allowance.take(1.0)
    assert not allowance.take(1000.0)


def test_a_dead_letter_is_the_message_with_its_reason():
    letter = dead_letter("dead", MESSAGE, "no\r\ngood", 1000)
    assert letter == Letter(
        "dead",
        {"ce-id": "1%20", "fh-subject": "featurehub/x", "fh-reason": "no%0D%0Agood"},
        b"{",
    )


def test_a_reason_is_bounded():
    assert len(dead_letter("dead", MESSAGE, "x" * 10_000, 1000).headers["fh-reason"]) == 200


def test_what_would_be_too_large_goes_without_its_data():
    large = Message("featurehub/x", "", {"ce-id": "1"}, b"x" * 900)
    assert dead_letter("dead", large, "bad", 1000).data == b"x" * 900
    letter = dead_letter("dead", large, "bad", 960)
    assert letter.headers == {"fh-subject": "featurehub/x", "fh-reason": "bad"}
    assert letter.data == b""


def test_the_size_of_a_letter_is_what_a_server_counts():
    letter = Letter("subject", {"name": "ä"}, b"12345")
    assert letter.size_bytes == len("NATS/1.0\r\nname: ä\r\n\r\n".encode()) + 5
