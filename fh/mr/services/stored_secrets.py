"""Secrets in settings: sealed and opened in worker threads, never inside a transaction."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeVar

import structlog
import trio

from fh.config import Secret
from fh.errors import FeatureHubError, Unavailable
from fh.mr.errors import VersionConflict
from fh.mr.sealed_text import SealedText, Unreadable, seal, unseal

log = structlog.get_logger()

T = TypeVar("T")

_THREADS: Final = 1
_MOST_WAITING: Final = 50
_ATTEMPTS: Final = 5


class SealFirst(FeatureHubError):
    """A transaction met texts that are still to be sealed; it comes again once they are."""

    def __init__(self, texts: Iterable[str]) -> None:
        super().__init__("texts have to be sealed first")
        self.texts = frozenset(texts)


class TooManySecrets(Unavailable):
    """So many secrets wait to be sealed or opened that one more would wait for seconds."""


class StoredSecrets:
    """Seals and opens secrets under one password; without one they are kept as they are."""

    def __init__(self, password: Secret) -> None:
        self._password = password
        self._threads = trio.CapacityLimiter(_THREADS)

    @property
    def has_password(self) -> bool:
        """Whether secrets are really sealed."""
        return bool(self._password.reveal)

    async def open(self, sealed: Mapping[str, SealedText]) -> Mapping[str, str]:
        """Return the texts under the same names.

        Raises:
            Unreadable: one of them was sealed with another password.
            TooManySecrets: try again later.
        """
        return await self._in_thread(partial(unseal, self._password, sealed))

    async def open_readable(self, sealed: Mapping[str, SealedText]) -> Mapping[str, str]:
        """Return the texts, or none where they were sealed with another password.

        Raises:
            TooManySecrets: try again later.
        """
        if not sealed:
            return {}
        try:
            return await self.open(sealed)
        except Unreadable as fault:
            log.warning("secrets_unreadable", keys=sorted(sealed), reason=str(fault))
            return {}

    async def sealing(self, work: Callable[[Mapping[str, SealedText]], Awaitable[T]]) -> T:
        """Return what `work` returns, given all sealed texts that it asks for by `SealFirst`.

        Raises:
            VersionConflict: others kept on changing what it works on.
            TooManySecrets: try again later.
        """
        sealed: dict[str, SealedText] = {}
        for _ in range(_ATTEMPTS):
            try:
                return await work(sealed)
            except SealFirst as missing:
                sealed |= await self._in_thread(partial(seal, self._password, missing.texts))
        raise VersionConflict("settings")

    async def _in_thread(self, work: Callable[[], Mapping[str, T]]) -> Mapping[str, T]:
        if self._threads.statistics().tasks_waiting >= _MOST_WAITING:
            raise TooManySecrets("Too many secrets are being worked on.")
        return await trio.to_thread.run_sync(work, limiter=self._threads)
