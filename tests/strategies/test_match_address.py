import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.strategies.match_address import compile_address, parse_address, parse_network
from fh.strategies.rule import Conditional


@pytest.mark.parametrize(
    ("values", "supplied", "expected"),
    [
        (["192.168.86.75"], "192.168.86.75", True),
        (["192.168.86.75"], "192.168.86.72", False),
        (["10.0.0.0/24", "192.168.0.0/16"], "192.168.86.75", True),
        (["192.168.86.75/16"], "192.168.0.1", True),
        (["0.0.0.0/0"], "192.168.0.1", True),
        (["0.0.0.0/0"], "::1", False),
        (["192.168.86.75/33"], "192.168.86.75", False),
        (["2001:db8::/32"], "2001:DB8:1::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["::1"], "0:0:0:0:0:0:0:1", True),
        (["rubbish", 5], "10.0.0.1", False),
    ],
)
def test_a_value_is_an_address_or_a_network(values, supplied, expected) -> None:
    assert compile_address(Conditional.EQUALS, values)(supplied) is expected
    assert compile_address(Conditional.INCLUDES, values)(supplied) is expected
    assert compile_address(Conditional.NOT_EQUALS, values)(supplied) is not expected
    assert compile_address(Conditional.EXCLUDES, values)(supplied) is not expected


def test_leading_zeros_are_decimal() -> None:
    assert parse_address("192.168.086.075") == parse_address("192.168.86.75") is not None


def test_an_ipv4_address_inside_ipv6_is_the_ipv4_address() -> None:
    assert parse_address("::ffff:10.1.2.3") == parse_address("10.1.2.3") is not None
    assert parse_network("::ffff:10.1.2.3/8") == parse_network("10.0.0.0/8") is not None
    assert parse_network("::ffff:10.1.2.3/104") is None


@pytest.mark.parametrize("text", ["localhost", "example.com", "10.1", "dead.beef", "1.2.3.4.in"])
@pytest.mark.parametrize("conditional", Conditional)
def test_a_name_is_never_resolved(
    monkeypatch: pytest.MonkeyPatch, text: str, conditional: Conditional
) -> None:
    # Ruling 22, fixed.
    def resolve(*_: object) -> None:
        pytest.fail("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "gethostbyname", resolve)
    assert not compile_address(conditional, ["127.0.0.1", text])(text)


@pytest.mark.parametrize(
    "text",
    ["", "1.2.3.256", "1.2.3.4/", "1.2.3.4/x", "1.2.3.4/-1", "1.2.3.4/8/8", "fe80::1%1", "::g"],
)
def test_other_text_is_no_network(text: str) -> None:
    assert parse_network(text) is None


@pytest.mark.parametrize(
    "conditional",
    [Conditional.STARTS_WITH, Conditional.ENDS_WITH, Conditional.GREATER, Conditional.REGEX],
)
def test_addresses_have_no_order_and_no_text(conditional: Conditional) -> None:
    assert not compile_address(conditional, ["10.0.0.1"])("10.0.0.1")


@given(st.ip_addresses(), st.integers(min_value=0, max_value=128))
def test_a_network_holds_its_own_address(address, prefix: int) -> None:
    network = parse_network(f"{address}/{prefix}")
    own = parse_address(str(address))
    assert own is not None
    assert network is None or network.holds(own)


@given(st.text(alphabet="0123456789abcdef.:/%-", max_size=40))
def test_nothing_that_looks_like_an_address_raises(text: str) -> None:
    parse_network(text)
