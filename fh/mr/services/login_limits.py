"""How many logins may fail, for each account and from each address, of all MRs together.

Only failures count: an attempt pays before the password is verified, and a right password gets it
back, so attempts that run at the same time can't slip through together. The database counts, for
several MRs may share it; how many are under way is each process's own business.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from ipaddress import IPv6Address, IPv6Network, ip_address

from fh.mr.errors import TooManyAttempts
from fh.mr.repositories.login_attempts import Attempt
from fh.mr.settings import MrSettings

_MINUTE_MICROSECONDS = 60_000_000
_SITE_BITS = 64
# A fifth of those that may wait for their hashes; they take about a second.
_MOST_AT_ONCE = 20


class AttemptLimits:
    """What one account and one address may try and get wrong, wherever a password is asked for."""

    def __init__(self, settings: MrSettings) -> None:
        self._shares = (
            _share(settings.login_failures_per_minute),
            _share(settings.login_failures_per_minute_and_address),
        )
        self._under_way: Counter[str] = Counter()

    def attempt(self, account: str, address: str) -> Attempt:
        """Return what an attempt is counted under, and what it costs."""
        # Hashes: whoever reads the database learns nothing of what was tried, and rows stay small.
        texts = f"account {account}", f"address {address_key(address)}"
        return Attempt([sha256(text.encode()).digest() for text in texts], self._shares)

    @contextmanager
    def attempting(self, address: str) -> Iterator[None]:
        """Have a password verified meanwhile: all wait in one queue, and nobody may fill it alone.

        Raises:
            TooManyAttempts: so many from this address are under way.
        """
        key = address_key(address)
        if self._under_way[key] >= _MOST_AT_ONCE:
            raise TooManyAttempts(1)
        self._under_way[key] += 1
        try:
            yield
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]


def address_key(address: str) -> str:
    """Return what an address is counted under.

    Of IPv6 that is its /64, of which whoever has one address usually has them all.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(IPv6Network((known.packed, _SITE_BITS), strict=False))


def _share(failures_per_minute: int) -> timedelta:
    # Rounded down, so that as many as there may be fit into a minute.
    return timedelta(microseconds=_MINUTE_MICROSECONDS // failures_per_minute)
