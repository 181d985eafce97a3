"""Passwords: Argon2id for those stored by fh, PBKDF2 for those taken over from FeatureHub.

Hashing takes 100 ms and 64 MiB on purpose, so it happens in worker threads, two at a time, and
never inside a transaction.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import argon2
import trio

from fh.errors import Unavailable

_THREADS = 2
_MOST_WAITING = 100
_MOST_ITERATIONS = 1_000_000
_SALT_BYTES = 16
_HASH_BYTES = 32


class TooManyPasswords(Unavailable):
    """So many passwords wait to be hashed that one more would wait for seconds."""


@dataclass(frozen=True, slots=True)
class Right:
    """The password is right; `stored` is what to keep of it from now on."""

    stored: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wrong:
    """The password is wrong, or there is none."""


Verdict: TypeAlias = Right | Wrong


class Passwords:
    """Hashes and verifies passwords; blanks around them do not count."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib)
        self._threads = trio.CapacityLimiter(_THREADS)
        # Verified in place of a hash that does not exist, so that a stranger can't tell by the
        # time whether there is such an account. Nobody knows a password for random bytes.
        self._decoy = (
            f"$argon2id$v=19$m={memory_kib},t={passes},p={self._hasher.parallelism}"
            f"${_random_base64(_SALT_BYTES)}${_random_base64(_HASH_BYTES)}"
        )

    async def hash(self, password: str) -> str:
        """Return what to store of `password`.

        Raises:
            TooManyPasswords: try again later.
        """
        self.refuse_when_busy()
        return await trio.to_thread.run_sync(
            self._hasher.hash, password.strip(), limiter=self._threads
        )

    async def verify(
        self, password: str, stored: str | None, *, dearest: str | None = None
    ) -> Verdict:
        """Return whether `password` is the one that `stored` was made from.

        Takes as long where nothing is stored, and where `dearest` is the dearest hash of
        FeatureHub's that anybody has, also as long as that one.

        Raises:
            TooManyPasswords: try again later.
        """
        self.refuse_when_busy()
        return await trio.to_thread.run_sync(
            self._verify, password.strip(), stored, dearest, limiter=self._threads
        )

    def _verify(self, password: str, stored: str | None, dearest: str | None) -> Verdict:
        spent = 0
        if stored is not None and not stored.startswith("$argon2"):
            imported, stored = parse_pbkdf2(stored), None
            if imported is not None:
                if imported.fits(password):
                    return Right(self._hasher.hash(password))
                spent = imported.iterations
        self._waste(password, dearest, spent)
        try:
            self._hasher.verify(self._decoy if stored is None else stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return Wrong()
        if stored is None:
            return Wrong()
        if self._hasher.check_needs_rehash(stored):
            return Right(self._hasher.hash(password))
        return Right(stored)

    def _waste(self, password: str, dearest: str | None, spent: int) -> None:
        """Take the time that `dearest` takes, less that of the iterations already `spent`."""
        decoy = None if dearest is None else parse_pbkdf2(dearest)
        if decoy is not None and decoy.iterations > spent:
            replace(decoy, iterations=decoy.iterations - spent).fits(password)

    def refuse_when_busy(self) -> None:
        """Do nothing when one more password could be hashed soon.

        Raises:
            TooManyPasswords: try again later.
        """
        if self._threads.statistics().tasks_waiting >= _MOST_WAITING:
            raise TooManyPasswords("too many passwords wait to be hashed")


@dataclass(frozen=True, slots=True)
class Pbkdf2Hash:
    """What FeatureHub stored of a password."""

    iterations: int
    salt: bytes = field(repr=False)
    wanted: bytes = field(repr=False)

    def fits(self, password: str) -> bool:
        """Return whether it was made from `password`.

        Which of the two algorithms was used is not written there, so both are tried, whichever
        fits: it always takes the same time.
        """
        made = [
            hashlib.pbkdf2_hmac(
                algorithm, password.encode(), self.salt, self.iterations, len(self.wanted)
            )
            for algorithm in ("sha512", "sha1")
        ]
        return any(hmac.compare_digest(each, self.wanted) for each in made)


def parse_pbkdf2(stored: str) -> Pbkdf2Hash | None:
    """Return what `iterations:hex(salt):hex(hash)` says; None if it is something else.

    Source: section 3.3 of the admin contract.
    """
    try:
        iterations_text, salt_text, hash_text = stored.split(":")
        found = Pbkdf2Hash(int(iterations_text), bytes.fromhex(salt_text), bytes.fromhex(hash_text))
    except ValueError:
        return None
    return found if found.wanted and 0 < found.iterations <= _MOST_ITERATIONS else None


def _random_base64(count: int) -> str:
    return b64encode(secrets.token_bytes(count)).decode().rstrip("=")
