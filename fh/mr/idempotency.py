"""Writes that carry an `Idempotency-Key` have their effect once: the key is part of it.

The key is taken in the transaction that has the effect, so that there is never one without the
other; the answer is kept right after. Between the two lie milliseconds: a process that dies then
leaves a key whose answer nobody knows, and who comes back is told just that.

Answers hold tokens and API keys. They are encrypted with what only the caller has: the bearer token
together with the key. Neither of these stands in the database.
"""

import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
import structlog
import trio
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fh.db.port import Database, Transaction
from fh.errors import FeatureHubError
from fh.http.idempotency import REPEATED, Answering, Attempt, KeptAnswer
from fh.http.problem import Problem
from fh.mr.access import Caller
from fh.mr.repositories import idempotency as repository
from fh.mr.repositories.access import SessionOwner

log = structlog.get_logger()

T = TypeVar("T")

MOST_ANSWER_BYTES: Final = 256 * 1024
"""Larger answers are not kept, only that there was one."""

_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.05
_NONCE_BYTES: Final = 12
_LABEL: Final = b"fh idempotent answer\0"
_OTHER_REQUEST: Final = "This key came with another request before; use a new one."
_UNKNOWN_ANSWER: Final = (
    "This request was carried out before, but its answer is not known any more: read what is there."
)


@dataclass(slots=True)
class _Reservation:
    """A key on its way into the database, with the first transaction that writes."""

    digest: bytes
    request_hash: bytes
    done: bool = False
    lost: bool = False
    repeatable: bool = False  # what may be done again was done


_reservation: ContextVar[_Reservation | None] = ContextVar("reservation", default=None)


@contextmanager
def harmless_twice() -> Iterator[None]:
    """Let no write take the request's key: what is done here may be done again.

    For what takes several transactions: the first would take the key, and after a failure of the
    second the rest could not be asked for any more.
    """
    reservation = _reservation.get()
    before = _reservation.set(None)
    try:
        yield
    finally:
        _reservation.reset(before)
    if reservation is not None:
        reservation.repeatable = True


class ReservingDatabase:
    """A database in which the request's first write takes the request's key, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def transaction(
        self, work: Callable[[Transaction], Awaitable[T]], *, read_only: bool = False
    ) -> T:
        """Do as `Database.transaction`.

        Raises:
            Problem: 409, another request took the key meanwhile; nothing was written.
        """
        reservation = _reservation.get()
        if reservation is None or reservation.done or read_only:
            return await self._database.transaction(work, read_only=read_only)

        async def reserving(tx: Transaction) -> T:
            if not await repository.reserve(tx, reservation.digest, reservation.request_hash):
                reservation.lost = True
                raise Problem(409, "The same request is being carried out.")
            return await work(tx)

        result = await self._database.transaction(reserving)
        reservation.done = True
        return result


class DatabaseAnswers:
    """The port `AnswerMemory` over the database."""

    def __init__(self, database: Database, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait for the answer of a request that is under way, but no longer than that."""
        self._database = database
        self._patience_seconds = patience_seconds

    async def once(self, attempt: Attempt, answer: Answering) -> KeptAnswer:
        """See the port."""
        digest = _digest(attempt)
        if (row := await self._find(digest)) is not None:
            return await self._repeated(attempt, digest, row)
        reservation = _Reservation(digest, attempt.request_hash)
        before = _reservation.set(reservation)
        try:
            given = await answer()
        finally:
            _reservation.reset(before)
        if reservation.lost:
            return await self._repeated(attempt, digest, await self._find(digest))
        # What was answered without an effect may be asked again. Some of that anybody may ask, as
        # often as they like, and it is as large as they like: kept, it would fill the disk.
        had_effect = reservation.done or reservation.repeatable
        if given.lasts and (had_effect or given.refuses):
            await self._keep(attempt, reservation, given)
        return given

    async def _repeated(
        self, attempt: Attempt, digest: bytes, row: repository.Row | None
    ) -> KeptAnswer:
        """Return what was answered, waiting for it if need be."""
        with trio.move_on_after(self._patience_seconds):
            while row is not None and row.sealed is None:
                _require_same(row, attempt)
                await trio.sleep(_PAUSE_SECONDS)
                row = await self._find(digest)
        if row is not None:
            _require_same(row, attempt)
        if row is None or row.sealed is None:
            raise Problem(409, _UNKNOWN_ANSWER)
        kept = _unsealed(attempt, row.sealed)
        return msgspec.structs.replace(kept, headers={**kept.headers, REPEATED: "true"})

    async def _find(self, digest: bytes) -> repository.Row | None:
        return await self._database.transaction(
            lambda tx: repository.find_row(tx, digest), read_only=True
        )

    async def _keep(self, attempt: Attempt, taken: _Reservation, given: KeptAnswer) -> None:
        if len(given.body) > MOST_ANSWER_BYTES:
            given = KeptAnswer(409, "", b"")  # stands for: it is not known any more
        sealed = _sealed(attempt, given)

        async def work(tx: Transaction) -> None:
            await repository.keep(tx, taken.digest, taken.request_hash, sealed)

        try:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 5.0):
                await self._database.transaction(work)
        except FeatureHubError as refusal:
            # The client has its answer; only whoever asks again won't get the same.
            log.warning("answer_not_kept", reason=str(refusal))


def _require_same(row: repository.Row, attempt: Attempt) -> None:
    if not hmac.compare_digest(row.request_hash, attempt.request_hash):
        raise Problem(422, _OTHER_REQUEST, field="Idempotency-Key")


def _digest(attempt: Attempt) -> bytes:
    match attempt.caller:
        case Caller(person_id=person_id) | SessionOwner(caller=Caller(person_id=person_id)):
            return hashlib.sha256(person_id.bytes + attempt.key.encode()).digest()
        case unexpected:
            raise AssertionError(f"nobody knows who {type(unexpected).__name__} is")


def _cipher(attempt: Attempt) -> AESGCM:
    """Return the cipher; a token has 256 bits that nobody can guess."""
    return AESGCM(hmac.digest(attempt.token.encode(), _LABEL + attempt.key.encode(), "sha256"))


def _sealed(attempt: Attempt, answer: KeptAnswer) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    text = msgspec.msgpack.encode(answer)
    return nonce + _cipher(attempt).encrypt(nonce, text, attempt.request_hash)


def _unsealed(attempt: Attempt, sealed: bytes) -> KeptAnswer:
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        clear = _cipher(attempt).decrypt(nonce, text, attempt.request_hash)
    except InvalidTag as error:
        # The same person with another token: what was said to that one stays there.
        raise Problem(409, _UNKNOWN_ANSWER) from error
    kept = msgspec.msgpack.decode(clear, type=KeptAnswer)
    if not kept.content_type and not kept.body and kept.status == 409:  # noqa: PLR2004 - as kept
        raise Problem(409, _UNKNOWN_ANSWER)
    return kept
