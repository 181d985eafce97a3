"""Changing passwords; whoever knew the old one is logged out everywhere else.

Hashing happens between two transactions, so what the first one saw is looked at again in the
second. The first one only reads: a request that ends before the second had no effect.
"""

from contextlib import suppress

from fh.db.port import Database, Transaction
from fh.errors import Unavailable
from fh.model.ids import PersonId
from fh.mr.access import (
    Caller,
    PersonType,
    is_any_admin,
    may_change_password,
    may_manage_person,
    may_replace_temporary_password,
)
from fh.mr.errors import Forbidden, Invalid, NotFound, VersionConflict
from fh.mr.idempotency import harmless_twice
from fh.mr.repositories.access import SessionOwner
from fh.mr.repositories.login_attempts import give_attempt_back, take_attempt
from fh.mr.repositories.person_changes import (
    KnownPerson,
    find_known,
    lock_person,
    save_password,
)
from fh.mr.repositories.persons import find_person
from fh.mr.repositories.sessions import end_sessions, open_session
from fh.mr.services.login_limits import AttemptLimits
from fh.mr.services.passwords import Passwords, Right
from fh.mr.services.persons import PersonWithGroups, with_groups
from fh.mr.services.tokens import hash_token, new_token


class PasswordChanges:
    """Stores new passwords, for those who may."""

    def __init__(self, database: Database, passwords: Passwords, limits: AttemptLimits) -> None:
        self._database = database
        self._passwords = passwords
        self._limits = limits

    async def replace_temporary(
        self, owner: SessionOwner, person_id: PersonId, password: str
    ) -> tuple[str, PersonWithGroups]:
        """Replace the temporary password of who asks; return the only token left to them.

        Raises:
            Forbidden: it is not theirs, or not temporary.
            Invalid: the new one is blank.
        """
        temporary = owner.password_requires_reset
        if not may_replace_temporary_password(owner.caller, person_id, temporary=temporary):
            raise Forbidden
        if not password.strip():
            raise Invalid("password", "The password may not be blank.")
        password_hash = await self._passwords.hash(password)
        token = new_token()

        async def save(tx: Transaction) -> PersonWithGroups:
            await lock_person(tx, person_id)
            person = await find_person(tx, person_id)
            if person is None or not person.password_requires_reset:
                raise Forbidden
            await save_password(tx, person_id, password_hash, person_id, temporary=False)
            await end_sessions(tx, person_id)
            await open_session(tx, hash_token(token), person_id)
            return await _reloaded(tx, person_id)

        return token, await self._database.transaction(save)

    async def change(
        self, caller: Caller, token: str, person_id: PersonId, passwords: tuple[str, str], at: str
    ) -> PersonWithGroups:
        """Exchange the old one of two `passwords` for the new one; only `token` stays good.

        Raises:
            Forbidden: the caller is neither the person nor a superuser.
            NotFound: there is no such person.
            Invalid: the old one is wrong, the new one blank, or the person a machine.
            TooManyAttempts: too many were wrong lately, for this account or from address `at`.
        """
        if not may_change_password(caller, person_id):
            raise Forbidden
        old, new = passwords
        if not new.strip():
            raise Invalid("newPassword", "The password may not be blank.")
        known = await self._database.transaction(
            lambda tx: find_known(tx, person_id), read_only=True
        )
        if known is None or known.archived_at is not None:
            raise NotFound("person")
        if known.type is not PersonType.PERSON:
            raise Invalid("id", "Machines have no password.")
        await self._verify(known, old, at)
        password_hash = await self._passwords.hash(new)

        async def save(tx: Transaction) -> PersonWithGroups:
            current = await lock_person(tx, person_id)
            if (
                current is None
                or current.archived_at is not None
                or current.password_hash != known.password_hash
            ):
                raise VersionConflict("password")
            await save_password(tx, person_id, password_hash, caller.person_id, temporary=False)
            mine = hash_token(token) if caller.person_id == person_id else None
            await end_sessions(tx, person_id, but=mine)
            return await _reloaded(tx, person_id)

        return await self._database.transaction(save)

    async def reset(
        self, caller: Caller, person_id: PersonId, password: str, *, reactivate: bool
    ) -> PersonWithGroups:
        """Give somebody a temporary password; all their sessions end.

        Raises:
            Forbidden: the caller is no admin, or no superuser where the person is one.
            NotFound: there is no such person, it is the caller or a machine, or the password is
                blank.
        """
        if not is_any_admin(caller):
            raise Forbidden
        if not password.strip():
            raise NotFound("password", "The password may not be blank.")

        def check(known: KnownPerson | None) -> None:
            if known is None or not _is_resettable(caller, known, reactivate=reactivate):
                raise NotFound("person")
            if not may_manage_person(caller, superuser=known.superuser):
                raise Forbidden

        async def save(tx: Transaction) -> PersonWithGroups:
            check(await lock_person(tx, person_id))
            await save_password(
                tx,
                person_id,
                password_hash,
                caller.person_id,
                temporary=True,
                revive=reactivate,
            )
            await end_sessions(tx, person_id)
            return await _reloaded(tx, person_id)

        # Before hashing, which is dear.
        check(
            await self._database.transaction(lambda tx: find_known(tx, person_id), read_only=True)
        )
        password_hash = await self._passwords.hash(password)
        return await self._database.transaction(save)

    async def _verify(self, known: KnownPerson, password: str, address: str) -> None:
        attempt = self._limits.attempt(known.email, address)
        # Counting is no effect of the request: it may be sent again with its key.
        with self._limits.attempting(address), harmless_twice():
            self._passwords.refuse_when_busy()
            await self._database.transaction(lambda tx: take_attempt(tx, attempt))
            try:
                verdict = await self._passwords.verify(password, known.password_hash)
            except Unavailable:
                with suppress(Unavailable):
                    await self._database.transaction(lambda tx: give_attempt_back(tx, attempt))
                raise
            if not isinstance(verdict, Right):
                raise Invalid("oldPassword", "The old password is wrong.")
            await self._database.transaction(lambda tx: give_attempt_back(tx, attempt))


def _is_resettable(caller: Caller, known: KnownPerson, *, reactivate: bool) -> bool:
    return (
        known.id != caller.person_id
        and known.type is PersonType.PERSON
        and (known.archived_at is None or reactivate)
    )


async def _reloaded(tx: Transaction, person_id: PersonId) -> PersonWithGroups:
    person = await find_person(tx, person_id)
    assert person is not None, "it was updated a moment ago, so its row is locked"
    return await with_groups(tx, person, groups=True, entries=True)
