"""Registration: whoever got an admin's invitation chooses name and password, once."""

from dataclasses import dataclass, field

from fh.db.port import Database, Transaction
from fh.model.ids import PersonId
from fh.mr.access import Caller, is_any_admin, may_manage_person
from fh.mr.errors import Forbidden, Invalid, NotFound
from fh.mr.repositories.person_changes import lock_person_by_email
from fh.mr.repositories.persons import Person, find_person
from fh.mr.repositories.registrations import (
    Invited,
    find_invited,
    invite,
    is_invited,
    redeem,
)
from fh.mr.repositories.sessions import end_sessions, open_session
from fh.mr.services.passwords import Passwords
from fh.mr.services.persons import PersonWithGroups, with_groups
from fh.mr.services.tokens import hash_token, new_token
from fh.mr.settings import MrSettings


@dataclass(frozen=True, slots=True)
class Invitation:
    """A token for somebody, told once: to register, or of a service account to act."""

    person_id: PersonId
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Registrant:
    """What somebody registers with."""

    token: str = field(repr=False)
    email: str
    name: str
    password: str = field(repr=False)
    repeated: str = field(repr=False)


async def find_invited_person(tx: Transaction, token: str) -> Person:
    """Return whom an invitation is for, also when its time is over.

    Raises:
        NotFound: it never was one, or was used.
    """
    invited = await find_invited(tx, hash_token(token))
    person = None if invited is None else await find_person(tx, invited.person_id)
    if person is None:
        raise NotFound("invitation")
    return person


async def renew_invitation(tx: Transaction, caller: Caller, email: str) -> Invitation:
    """Invite somebody anew who did not register yet; the older invitation is void.

    Raises:
        Forbidden: the caller is no admin, or no superuser where the invited is one.
        NotFound: nobody of that address has to register.
    """
    if not is_any_admin(caller):
        raise Forbidden
    person = await lock_person_by_email(tx, email.strip())
    if person is None or person.archived_at is not None or not await is_invited(tx, person.id):
        raise NotFound("outstanding invitation")
    if not may_manage_person(caller, superuser=person.superuser):
        raise Forbidden
    token = new_token()
    await invite(tx, person.id, hash_token(token))
    return Invitation(person.id, token)


class Registrations:
    """Exchanges invitations for sessions."""

    def __init__(self, database: Database, passwords: Passwords, settings: MrSettings) -> None:
        self._database = database
        self._passwords = passwords
        self._enabled = settings.local_login_enabled

    async def register(self, registrant: Registrant) -> tuple[str, PersonWithGroups]:
        """Return a new token and whom it belongs to.

        Raises:
            Forbidden: people log in elsewhere.
            NotFound: the invitation is unknown, used or too old, or the password is blank.
            Invalid: it was for another address, the passwords differ, or the name is blank.
        """
        if not self._enabled:
            raise Forbidden("There is no login without a password.")
        token_hash = hash_token(registrant.token)
        invited = await self._database.transaction(
            lambda tx: find_invited(tx, token_hash), read_only=True
        )
        _check(registrant, invited)
        password_hash = await self._passwords.hash(registrant.password)
        token = new_token()
        person = await self._database.transaction(
            lambda tx: _redeemed(tx, token_hash, registrant.name.strip(), password_hash, token)
        )
        return token, person


def _check(registrant: Registrant, invited: Invited | None) -> None:
    if invited is None or not invited.valid:
        raise NotFound("invitation")
    if registrant.email.strip().lower() != invited.email:
        raise Invalid("email", "The invitation is for another address.")
    if registrant.password != registrant.repeated:
        raise Invalid("confirmPassword", "The passwords differ.")
    if not registrant.password.strip():
        raise NotFound("password", "The password may not be blank.")
    if not registrant.name.strip():
        raise Invalid("name", "A name may not be blank.")


async def _redeemed(
    tx: Transaction, token_hash: bytes, name: str, password_hash: str, token: str
) -> PersonWithGroups:
    person_id = await redeem(tx, token_hash, name, password_hash)
    if person_id is None:
        raise NotFound("invitation")
    # An old password may have opened some since the person was revived.
    await end_sessions(tx, person_id)
    await open_session(tx, hash_token(token), person_id)
    person = await find_person(tx, person_id)
    assert person is not None, "it was updated a moment ago, so its row is locked"
    return await with_groups(tx, person, groups=True, entries=True)
