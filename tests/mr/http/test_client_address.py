import pytest

from fh.http.routing import Request
from fh.mr.http.client_address import client_address

PEER = "192.0.2.1"


def told(text: str | None, header: str = "X-Forwarded-For") -> str:
    known = {"X-Forwarded-For": text}
    return client_address(Request(None, None, None, {}, PEER, header=known.get), header)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("5.5.5.5", "5.5.5.5"),
        ("5.5.5.5:1000", "5.5.5.5"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:DB8:0::1]:443", "2001:db8::1"),
        ("6.6.6.6, 5.5.5.5", "5.5.5.5"),
        ("6.6.6.6,5.5.5.5:80 ", "5.5.5.5"),
        ("5.5.5.5, unknown", PEER),
        ("unknown", PEER),
        ("5.5.5.5:port", PEER),
        ("5.5.5.5:", PEER),
        ("5.5.5", PEER),
        ("[2001:db8::1", PEER),
        ("[]", PEER),
        ("[x]:1", PEER),
        ("5.5.5.5,", PEER),
        ("", PEER),
        (None, PEER),
    ],
)
def test_whom_the_last_proxy_tells_of(text, address):
    assert told(text) == address


def test_without_a_proxy_nobody_is_believed():
    assert told("5.5.5.5", header="") == PEER
