"""Conditions on IP addresses and networks; a name is never resolved.

Source: section 4.4 of the data plane's contract, IP_ADDRESS, and ruling 22.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import NamedTuple, TypeAlias

from fh.strategies.comparing import Test, never
from fh.strategies.rule import Conditional
from fh.strategies.rule_values import texts_of

_V4 = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})\.(\d{1,9})", re.ASCII)
_PREFIX = re.compile(r"\d{1,3}", re.ASCII)
_V4_BITS = 32
_V6_BITS = 128
_LARGEST_OCTET = 255


Address: TypeAlias = tuple[int, int]
"""An address: its number, and the family by its width in bits."""


class Network(NamedTuple):
    """The addresses of a family that begin alike."""

    prefix: int
    host_bits: int
    bits: int

    def holds(self, address: Address) -> bool:
        """Return whether `address` belongs to it."""
        number, bits = address
        return bits == self.bits and number >> self.host_bits == self.prefix


def compile_address(conditional: Conditional, values: Sequence[object]) -> Test:
    """Return the test for the text of an address; any other text meets nothing.

    A value that is neither an address nor a network holds no address.
    """
    networks = [found for text in texts_of(values) if (found := parse_network(text))]
    match conditional:
        case Conditional.EQUALS | Conditional.INCLUDES:
            wanted = True
        case Conditional.NOT_EQUALS | Conditional.EXCLUDES:
            wanted = False
        case _:
            return never

    def meets(text: str) -> bool:
        if (address := parse_address(text)) is None:
            return False
        number, address_bits = address
        for prefix, host_bits, bits in networks:  # unpacked: `holds` takes five times as long
            if number >> host_bits == prefix and address_bits == bits:
                return wanted
        return not wanted

    return meets


def parse_address(text: str) -> Address | None:
    """Return the address, `None` for any other text.

    Leading zeros are decimal, and an IPv4 address inside IPv6 is the IPv4 address.
    """
    if found := _V4.fullmatch(text):
        first, second, third, fourth = found.groups()
        a, b, c, d = int(first), int(second), int(third), int(fourth)
        if (a | b | c | d) > _LARGEST_OCTET:
            return None
        return a << 24 | b << 16 | c << 8 | d, _V4_BITS
    if ":" not in text or "%" in text:
        return None
    try:
        address = IPv6Address(text)
    except ValueError:
        return None
    if mapped := address.ipv4_mapped:
        return int(mapped), _V4_BITS
    return int(address), _V6_BITS


def parse_network(text: str) -> Network | None:
    """Return the network of `address` or `address/prefix`, `None` for any other text."""
    start, slash, length = text.partition("/")
    address = parse_address(start)
    if address is None or (slash and not _PREFIX.fullmatch(length)):
        return None
    number, bits = address
    host_bits = bits - int(length) if slash else 0
    if host_bits < 0:
        return None
    return Network(number >> host_bits, host_bits, bits)
