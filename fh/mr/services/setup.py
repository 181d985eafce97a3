"""The first set-up: an organisation, a first superuser and a first portfolio, all or nothing."""

from dataclasses import dataclass, field, replace

from fh.db.port import Database, Transaction
from fh.mr.errors import AlreadyExists, Invalid
from fh.mr.repositories.groups import (
    SUPERUSERS_GROUP_NAME,
    Group,
    create_group,
    find_superusers_group,
    join_group,
)
from fh.mr.repositories.organisations import (
    Organisation,
    create_organisation,
    find_organisation,
)
from fh.mr.repositories.persons import create_registered_person, find_person
from fh.mr.repositories.portfolios import create_portfolio
from fh.mr.repositories.sessions import open_session
from fh.mr.services.groups import create_admin_group
from fh.mr.services.passwords import Passwords
from fh.mr.services.person_changes import checked_email
from fh.mr.services.persons import PersonWithGroups, with_groups
from fh.mr.services.tokens import hash_token, new_token
from fh.mr.settings import MrSettings


@dataclass(frozen=True, slots=True)
class Installation:
    """What there is once the set-up was made; superusers may still be missing."""

    organisation: Organisation
    superusers_group: Group | None


@dataclass(frozen=True, slots=True)
class SiteAdmin:
    """Who and what to begin with."""

    organisation_name: str
    portfolio_name: str
    email: str
    name: str | None
    password: str = field(repr=False)


async def find_installation(tx: Transaction) -> Installation | None:
    """Return the installation; None before the first set-up."""
    organisation = await find_organisation(tx)
    if organisation is None:
        return None
    return Installation(organisation, await find_superusers_group(tx))


async def refuse_second_setup(tx: Transaction) -> None:
    """Do nothing before the first set-up.

    Raises:
        AlreadyExists: it was made.
    """
    if await find_organisation(tx) is not None:
        raise AlreadyExists("organisation")


async def set_up(
    database: Database, passwords: Passwords, settings: MrSettings, wanted: SiteAdmin
) -> tuple[str, PersonWithGroups]:
    """Create everything, and return a token for the first superuser.

    Raises:
        AlreadyExists: there is an organisation, or a person of this address.
        Invalid: something is blank, or the address is none.
    """
    admin = _checked(wanted)
    password_hash = await passwords.hash(admin.password)
    token = new_token()
    person = await database.transaction(
        lambda tx: _create(tx, settings, admin, password_hash, token)
    )
    return token, person


def _checked(wanted: SiteAdmin) -> SiteAdmin:
    admin = SiteAdmin(
        organisation_name=wanted.organisation_name.strip(),
        portfolio_name=wanted.portfolio_name.strip(),
        email=wanted.email.strip(),
        name=(wanted.name or "").strip() or None,
        password=wanted.password,
    )
    if not admin.portfolio_name:
        raise Invalid("portfolio", "The first portfolio needs a name.")
    if not admin.organisation_name:
        raise Invalid("organizationName", "The organisation needs a name.")
    email = checked_email(admin.email, "emailAddress")
    if not admin.password.strip():
        raise Invalid("password", "The password may not be blank.")
    return replace(admin, email=email)


async def _create(
    tx: Transaction, settings: MrSettings, admin: SiteAdmin, password_hash: str, token: str
) -> PersonWithGroups:
    organisation = await create_organisation(tx, admin.organisation_name)
    person_id = await create_registered_person(tx, admin.email, admin.name, password_hash)
    name = admin.portfolio_name
    portfolio = await create_portfolio(tx, organisation.id, name, name, person_id)
    superusers = await create_group(
        tx, organisation.id, None, SUPERUSERS_GROUP_NAME, person_id, admin=True
    )
    await join_group(tx, superusers.id, [person_id])
    # After the superusers' group: its members become members of the portfolio's.
    group_name = f"{name} {settings.portfolio_admin_group_suffix}"
    await create_admin_group(tx, organisation.id, portfolio.id, group_name, person_id)
    await open_session(tx, hash_token(token), person_id)
    person = await find_person(tx, person_id)
    assert person is not None
    return await with_groups(tx, person, groups=True, entries=True)
