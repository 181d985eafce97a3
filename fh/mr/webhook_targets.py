"""Where events may be sent: a URL that an admin chose is no way into what only servers reach.

Refused are URLs that are not http or https, that hold a user's name or that name a host in a way
that programs read differently; addresses of the sending machine itself, of its link (cloud
metadata are there), of nobody and of many. Private networks are allowed: that is where receivers
are. What a name stands for is known only when something is sent, so the sender has to ask
`may_reach` for each address that it gets.
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LONGEST_URL_CHARACTERS: Final = 2000

_REFUSED: Final[Sequence[Network]] = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "100.100.100.200/32",  # a cloud's metadata
        "168.63.129.16/32",  # another's
        "192.0.0.192/32",  # a third one's
        "224.0.0.0/4",
        "240.0.0.0/4",
        # IPv4 in forms that nothing has an address of its own in, and that gateways unwrap.
        "::/96",  # with the machine's own address, ::1
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::254/128",  # metadata again
        "fd20:ce::254/128",
    )
]
_WITH_IPV4_AT_THE_END: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::ffff:0:0:0/96"))
_OWN_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_METADATA_NAMES: Final = (
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read networks, separated by commas: `127.0.0.0/8,::1`.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def may_reach(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Return whether events may be sent to an address, and to what it may be unwrapped to."""
    return all(
        any(form in network for network in allowed)
        or not any(form in network for network in _REFUSED)
        for form in (address, *_unwrapped(address))
    )


def why_refused(url: str, allowed: Sequence[Network] = ()) -> str | None:
    """Return what is wrong with a URL as a target, or None."""
    if len(url) > LONGEST_URL_CHARACTERS:
        return f"A URL has {LONGEST_URL_CHARACTERS} characters at most."
    if not url.isascii() or not url.isprintable() or any(one in url for one in ' \\"<>^`{|}'):
        return "The URL holds a character that has to be percent-encoded."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "It is no URL."
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        return "Expected a URL such as https://host/path."
    if "@" in parts.netloc:
        return "A URL with a user's name in it is not used: send a header instead."
    host = host.removesuffix(".")
    if "%" in host or not all(host.split(".")):
        return "The host is neither a name nor an address in its usual form."
    return _why_host_refused(host, allowed)


def _why_host_refused(host: str, allowed: Sequence[Network]) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        return None if may_reach(address, allowed) else "Events are not sent to this address."
    # 127.1, 0x7f000001 and 2130706433 are addresses to many programs.
    last = host.rpartition(".")[2]
    if last[:1].isdigit() or ":" in host:
        return "The host is neither a name nor an address in its usual form."
    if host in _METADATA_NAMES:
        return "Events are not sent to this host."
    own = host in _OWN_NAMES or host.endswith(".localhost")
    if own and not any(_holds_loopback(network) for network in allowed):
        return "Events are not sent to this host."
    return None


def _holds_loopback(network: Network) -> bool:
    """Return whether a network that was allowed holds a machine's own address."""
    return IPv4Address("127.0.0.1") in network or IPv6Address("::1") in network


def _unwrapped(address: Address) -> Sequence[IPv4Address]:
    """Return the addresses that an address of IPv6 holds for those who know its form."""
    if not isinstance(address, IPv6Address):
        return ()
    held = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _WITH_IPV4_AT_THE_END):
        held.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [each for each in held if each is not None]
