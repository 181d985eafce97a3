"""People come, change and go, and so do admin service accounts, which are people to MR."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, assert_never
from uuid import uuid4

from fh.db.port import Transaction
from fh.model.ids import GroupId, PersonId
from fh.mr.access import (
    Caller,
    PersonType,
    is_any_admin,
    may_delete_person,
    may_manage_person,
)
from fh.mr.errors import AlreadyExists, Forbidden, Invalid, NotFound
from fh.mr.repositories.groups import load_groups_of_person
from fh.mr.repositories.memberships import leave_all, lock_superusers
from fh.mr.repositories.person_changes import (
    KnownPerson,
    archive_person,
    insert_person,
    lock_person,
    lock_person_by_email,
    save_person,
)
from fh.mr.repositories.registrations import invite
from fh.mr.repositories.sessions import end_sessions, open_session
from fh.mr.services.memberships import (
    refuse_groups_of_others,
    refuse_without_superusers,
    set_groups,
)
from fh.mr.services.registrations import Invitation
from fh.mr.services.tokens import hash_token, new_token
from fh.mr.versions import check_version

# Whoever sends something there finds out the rest. One label is enough for a domain.
_EMAIL: Final = re.compile(r"[^\s@,;<>\x00-\x1f\x7f]+@[^\s@,;<>\x00-\x1f\x7f]+")
_MACHINE_DOMAIN: Final = "admin.sa.featurehub.io"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody to be; machines have no address."""

    email: str | None
    name: str | None
    type: PersonType
    groups: Collection[GroupId] = ()


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What somebody should be; None leaves a member as it is.

    `reaches_archived` is whether archived people are found, too.
    """

    person_id: PersonId
    version: int | None
    email: str | None = None
    name: str | None = None
    groups: Collection[GroupId] | None = None
    revive: bool = False
    reaches_archived: bool = False


async def create_person(tx: Transaction, caller: Caller, new: NewPerson) -> Invitation:
    """Invite somebody, or create a machine; the token is told only now.

    Raises:
        Forbidden: the caller is no admin, or not of all the groups.
        NotFound: there is no such group.
        Invalid: a person without an address, a machine without a name, or a blank name.
        AlreadyExists: the address is taken by somebody who is not archived.
    """
    if not is_any_admin(caller):
        raise Forbidden
    name = None if new.name is None else _changed_name(new.name)
    await refuse_groups_of_others(tx, caller, new.groups)
    match new.type:
        case PersonType.PERSON:
            invitation = await _invite(tx, caller, checked_email(new.email, "email"), name)
        case PersonType.SERVICE_ACCOUNT:
            invitation = await _create_machine(tx, caller, name)
        case PersonType.SDK_SERVICE_ACCOUNT:
            raise Invalid("personType", "Those come with the service accounts of SDKs.")
        case unexpected:
            assert_never(unexpected)
    if new.groups:
        kept = [group.id for group in await load_groups_of_person(tx, invitation.person_id)]
        await set_groups(tx, caller, invitation.person_id, [*kept, *new.groups])
    return invitation


async def update_person(tx: Transaction, caller: Caller, change: PersonChange) -> None:
    """Change somebody; what the caller may not change of their groups stays as it is.

    Raises:
        Forbidden: the caller is no admin, or no superuser where the person is one.
        NotFound: there is no such person, or it is the shadow of an SDK.
        VersionConflict: somebody changed them, or the version is missing.
        Invalid: the address is none, or the name blank.
        AlreadyExists: the address is taken.
    """
    if not is_any_admin(caller):
        raise Forbidden
    known = await lock_person(tx, change.person_id)
    if known is None or not _is_found(known, change):
        raise NotFound("person")
    if not may_manage_person(caller, superuser=known.superuser):
        raise Forbidden
    check_version("person", change.version, known.version)
    email = known.email
    if change.email is not None and known.type is PersonType.PERSON:
        email = checked_email(change.email, "email")
    name = known.name if change.name is None else _changed_name(change.name)
    revive = change.revive and known.archived_at is not None
    if revive or (email, name) != (known.email, known.name):
        await save_person(tx, known.id, email, name, caller.person_id, revive=revive)
    if change.groups is not None:
        await set_groups(tx, caller, known.id, change.groups)


async def delete_person(
    tx: Transaction, caller: Caller, person_id: PersonId, *, with_memberships: bool
) -> bool:
    """Deactivate somebody and end their sessions; return False for the shadow of an SDK.

    Raises:
        Forbidden: the caller is no superuser, or the person themselves.
        NotFound: there is no such person, or they are deactivated.
    """
    if not may_delete_person(caller, person_id):
        raise Forbidden
    known = await lock_person(tx, person_id)
    if known is None or known.archived_at is not None:
        raise NotFound("person")
    if known.type is PersonType.SDK_SERVICE_ACCOUNT:
        return False
    await lock_superusers(tx)  # of two who deactivate each other one comes too late
    await archive_person(tx, person_id, datetime.now(UTC), caller.person_id)
    await end_sessions(tx, person_id)
    if with_memberships:
        await leave_all(tx, person_id)
    await refuse_without_superusers(tx)
    return True


async def reset_machine_token(tx: Transaction, caller: Caller, person_id: PersonId) -> str:
    """Give an admin service account a new token; the old ones are worthless.

    Raises:
        Forbidden: the caller is no admin, or no superuser where the account is one.
        NotFound: there is no such account.
    """
    if not is_any_admin(caller):
        raise Forbidden
    known = await lock_person(tx, person_id)
    if (
        known is None
        or known.archived_at is not None
        or known.type is not PersonType.SERVICE_ACCOUNT
    ):
        raise NotFound("admin service account")
    if not may_manage_person(caller, superuser=known.superuser):
        raise Forbidden
    token = new_token()
    await end_sessions(tx, person_id)
    await open_session(tx, hash_token(token), person_id)
    return token


def checked_email(email: str | None, field: str) -> str:
    """Return an address without blanks around it, in lower case.

    Raises:
        Invalid: it is none.
    """
    text = (email or "").strip().lower()
    if _EMAIL.fullmatch(text) is None:
        raise Invalid(field, "This is no e-mail address.")
    return text


def _changed_name(name: str) -> str:
    if not (name := name.strip()):
        raise Invalid("name", "A name may not be blank.")
    return name


async def _invite(tx: Transaction, caller: Caller, email: str, name: str | None) -> Invitation:
    known = await lock_person_by_email(tx, email)
    if known is None:
        person_id = await insert_person(tx, email, name, PersonType.PERSON, caller.person_id)
    elif known.archived_at is None or known.type is not PersonType.PERSON:
        raise AlreadyExists("person", "email")
    elif not may_manage_person(caller, superuser=known.superuser):
        raise Forbidden
    else:
        person_id = known.id
        name = name or known.name
        await save_person(tx, person_id, email, name, caller.person_id, revive=True)
    token = new_token()
    # Until they register, a revived person's old password opens nothing but its replacement.
    await invite(tx, person_id, hash_token(token), requires_reset=known is not None)
    return Invitation(person_id, token)


async def _create_machine(tx: Transaction, caller: Caller, name: str | None) -> Invitation:
    if name is None:
        raise Invalid("name", "An admin service account needs a name.")
    person_id = await insert_person(
        tx, f"{uuid4()}@{_MACHINE_DOMAIN}", name, PersonType.SERVICE_ACCOUNT, caller.person_id
    )
    token = new_token()
    await open_session(tx, hash_token(token), person_id)
    return Invitation(person_id, token)


def _is_found(known: KnownPerson, change: PersonChange) -> bool:
    if known.type is PersonType.SDK_SERVICE_ACCOUNT:
        return False
    return known.archived_at is None or change.revive or change.reaches_archived
