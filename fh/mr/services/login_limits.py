"""How many logins may fail: a bucket for each account and each address.

A bucket is filled with time: it holds a minute, and an attempt costs its share of it. Only failures
count: an attempt pays before the password is verified, and a right password gets it back, so
attempts that run at the same time can't slip through together.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

from fh.mr.errors import TooManyAttempts
from fh.mr.settings import MrSettings

_FULL_SECONDS = 60.0
_SITE_BITS = 64
# A fifth of those that may wait for their hashes; they take about a second.
_MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class _Bucket:
    seconds: float
    filled_at: float


class FailureLimit:
    """Buckets by key; only those that are not full are kept, the oldest make room.

    Args:
        failures_per_minute: How many may fail at once; they come back within a minute.
        capacity: How many keys are remembered.
    """

    def __init__(self, failures_per_minute: int, *, capacity: int = 10_000) -> None:
        self._cost_seconds = _FULL_SECONDS / failures_per_minute
        self._capacity = capacity
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> None:
        """Count an attempt at `now`, in seconds of a clock that never goes back.

        Raises:
            TooManyAttempts: too many failed lately.
        """
        seconds = self._seconds(key, now)
        if seconds < self._cost_seconds:
            raise TooManyAttempts(math.ceil(self._cost_seconds - seconds))
        self._keep(key, seconds - self._cost_seconds, now)

    def give_back(self, key: str, now: float) -> None:
        """Forget one attempt: it did not fail."""
        self._keep(key, self._seconds(key, now) + self._cost_seconds, now)

    def _seconds(self, key: str, now: float) -> float:
        bucket = self._buckets.get(key)
        if bucket is None:
            return _FULL_SECONDS
        return min(_FULL_SECONDS, bucket.seconds + now - bucket.filled_at)

    def _keep(self, key: str, seconds: float, now: float) -> None:
        self._buckets.pop(key, None)
        if seconds < _FULL_SECONDS:
            self._buckets[key] = _Bucket(seconds, now)
            while len(self._buckets) > self._capacity:
                self._buckets.popitem(last=False)


class AttemptLimits:
    """What one account and one address may try and get wrong, wherever a password is asked for."""

    def __init__(self, settings: MrSettings) -> None:
        self._by_account = FailureLimit(settings.login_failures_per_minute)
        self._by_address = FailureLimit(settings.login_failures_per_minute_and_address)
        self._under_way: Counter[str] = Counter()

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

    def take(self, account: str, address: str, now: float) -> None:
        """Count an attempt before the password is verified.

        Raises:
            TooManyAttempts: too many failed lately, for this account or from this address.
        """
        self._by_account.take(account, now)
        try:
            self._by_address.take(address_key(address), now)
        except TooManyAttempts:
            self._by_account.give_back(account, now)
            raise

    def give_back(self, account: str, address: str, now: float) -> None:
        """Forget one attempt: the password was right, or could not be verified."""
        self._by_address.give_back(address_key(address), now)
        self._by_account.give_back(account, now)


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
