"""Logging in and out, and knowing who presents a token."""

from contextlib import suppress
from functools import partial
from typing import Final

from fh.db.port import Database, Transaction
from fh.errors import Unavailable
from fh.mr.access import Caller, PersonType
from fh.mr.errors import Forbidden, NotAuthenticated, NotFound
from fh.mr.repositories.access import SessionOwner, find_session_owner
from fh.mr.repositories.login_attempts import Attempt, give_attempt_back, take_attempt
from fh.mr.repositories.persons import (
    Credentials,
    find_credentials,
    find_person,
    record_authentication,
)
from fh.mr.repositories.sessions import end_session, forget_expired_sessions, open_session
from fh.mr.services.imported_hashes import ImportedHashes
from fh.mr.services.login_limits import AttemptLimits
from fh.mr.services.passwords import Passwords, Right
from fh.mr.services.persons import PersonWithGroups, with_groups
from fh.mr.services.tokens import hash_token, new_token
from fh.mr.settings import MrSettings, SessionLimits

_PLEASE_LOGIN = "Please login."
_LOOKS: Final = 2


async def identify(tx: Transaction, token: str, limits: SessionLimits) -> Caller:
    """Return who presents `token`.

    Raises:
        NotAuthenticated: it is unknown, or they must change their password first.
    """
    owner = await identify_owner(tx, token, limits)
    if owner.password_requires_reset:
        raise NotAuthenticated(_PLEASE_LOGIN)
    return owner.caller


async def identify_owner(tx: Transaction, token: str, limits: SessionLimits) -> SessionOwner:
    """Return who presents `token`, also those who must change their password.

    Raises:
        NotAuthenticated: it is unknown.
    """
    owner = await find_session_owner(tx, hash_token(token), limits)
    if owner is None:
        raise NotAuthenticated(_PLEASE_LOGIN)
    return owner


async def log_out(tx: Transaction, token: str) -> None:
    """Make `token` worthless."""
    await end_session(tx, hash_token(token))


class Logins:
    """Exchanges passwords for tokens."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        limits: AttemptLimits,
        settings: MrSettings,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._imported = ImportedHashes(database)
        self._limits = limits
        self._settings = settings

    async def log_in(self, email: str, password: str, address: str) -> tuple[str, PersonWithGroups]:
        """Return a new token and its owner.

        Raises:
            Forbidden: people log in elsewhere, or the password is blank.
            NotFound: the password is wrong, or nobody of this address can log in with one.
            TooManyAttempts: too many attempts failed for this account, or from this address, or
                so many from there are under way.
        """
        if not self._settings.local_login_enabled or not password.strip():
            raise Forbidden("There is no login without a password.")
        # In the spelling that is counted: the database has its own idea of lower case.
        account = email.strip().lower()
        with self._limits.attempting(address):
            self._passwords.refuse_when_busy()
            attempt = self._limits.attempt(account, address)
            known = await self._database.transaction(lambda tx: _find_counted(tx, account, attempt))
            try:
                return await self._try(known, account, password, attempt)
            except Unavailable:
                with suppress(Unavailable):
                    await self._database.transaction(lambda tx: give_attempt_back(tx, attempt))
                raise

    async def _try(
        self, known: Credentials | None, account: str, password: str, attempt: Attempt
    ) -> tuple[str, PersonWithGroups]:
        # Another login may hash the password anew while this one verifies it.
        for _ in range(_LOOKS):
            if known is not None and known.type is not PersonType.PERSON:
                known = None
            stored = None if known is None else known.password_hash
            verdict = await self._passwords.verify(
                password, stored, dearest=await self._imported.dearest()
            )
            if known is None or stored is None or not isinstance(verdict, Right):
                break
            token = new_token()
            opening = partial(
                self._open,
                known=known,
                verified_hash=stored,
                kept_hash=verdict.stored,
                token=token,
                attempt=attempt,
            )
            if (person := await self._database.transaction(opening)) is not None:
                return token, person
            known = await self._database.transaction(
                lambda tx: find_credentials(tx, account), read_only=True
            )
        raise NotFound("account with this password")

    async def _open(
        self,
        tx: Transaction,
        known: Credentials,
        verified_hash: str,
        kept_hash: str,
        token: str,
        attempt: Attempt,
    ) -> PersonWithGroups | None:
        """Return whose session was opened; None when their password is another one by now."""
        if not await record_authentication(tx, known.person_id, verified_hash, kept_hash):
            return None
        await forget_expired_sessions(tx, known.person_id, self._settings.sessions)
        await open_session(tx, hash_token(token), known.person_id)
        await give_attempt_back(tx, attempt)
        person = await find_person(tx, known.person_id)
        assert person is not None, "it was updated a moment ago, so its row is locked"
        return await with_groups(tx, person, groups=True, entries=True)


async def _find_counted(tx: Transaction, account: str, attempt: Attempt) -> Credentials | None:
    """Return what to verify a password against, once the attempt is counted."""
    await take_attempt(tx, attempt)
    return await find_credentials(tx, account)
