"""Every kind of caller, and an installation in which each of them is somebody.

What roles are about: application `shop` with environment `production` in the portfolio that is
called first here; `other_portfolio` is somebody else's.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Any, NamedTuple

from fh.model.roles import ApplicationRole, Role
from fh.mr.services.tokens import hash_token, new_token

PASSWORD = "password123"
NO_ID = "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11"

# As an imported installation has it, for it is quickly made.
_SALT = b"salt"
PASSWORD_HASH = (
    f"1:{_SALT.hex()}:{hashlib.pbkdf2_hmac('sha512', PASSWORD.encode(), _SALT, 1, 64).hex()}"
)


class Who(StrEnum):
    """A kind of caller."""

    STRANGER = "without a token"
    UNKNOWN = "with a token nobody knows"
    EXPIRED = "superuser whose session is over"
    DEACTIVATED = "deactivated superuser"
    MUST_RESET = "superuser with a temporary password"
    NOBODY = "in no group"
    IDLE_ROBOT = "admin service account in no group"
    ARCHIVED = "in an archived group that had every role"
    MEMBER = "in a group without roles"
    ENV_READ = "READ"
    ENV_LOCK = "LOCK"
    ENV_UNLOCK = "UNLOCK"
    ENV_CHANGE_VALUE = "CHANGE_VALUE"
    ENV_EXTENDED_DATA = "EXTENDED_DATA"
    APP_FEATURE_EDIT = "FEATURE_EDIT"
    APP_FEATURE_CREATE = "FEATURE_CREATE"
    APP_FEATURE_EDIT_AND_DELETE = "FEATURE_EDIT_AND_DELETE"
    APP_STRATEGY_CREATE = "APP_STRATEGY_CREATE"
    APP_STRATEGY_EDIT = "APP_STRATEGY_EDIT"
    APP_STRATEGY_EDIT_AND_DELETE = "APP_STRATEGY_EDIT_AND_DELETE"
    PORTFOLIO_ADMIN = "admin of the portfolio"
    ROBOT_ADMIN = "admin service account among the portfolio's admins"
    OTHER_ADMIN = "admin of another portfolio"
    SUPERUSER = "superuser"
    ROBOT_SUPERUSER = "admin service account that is a superuser"


ANONYMOUS = frozenset({Who.STRANGER, Who.UNKNOWN, Who.EXPIRED, Who.DEACTIVATED, Who.MUST_RESET})
LOGGED_IN = frozenset(Who) - ANONYMOUS
ROBOTS = frozenset({Who.IDLE_ROBOT, Who.ROBOT_ADMIN, Who.ROBOT_SUPERUSER})
SUPERUSERS = frozenset({Who.SUPERUSER, Who.ROBOT_SUPERUSER})
ADMINS = SUPERUSERS | {Who.PORTFOLIO_ADMIN, Who.ROBOT_ADMIN}
ANY_ADMINS = ADMINS | {Who.OTHER_ADMIN}
ENVIRONMENT_HOLDERS = frozenset(Who(role) for role in Role)
APPLICATION_HOLDERS = frozenset(Who(role) for role in ApplicationRole)
READERS = ADMINS | ENVIRONMENT_HOLDERS | APPLICATION_HOLDERS
MEMBERS = READERS | {Who.MEMBER}


class Ask(NamedTuple):
    """One request."""

    method: str
    path: str
    body: Any = None


@dataclass
class World:
    """The installation; ids are texts. What is added gets a name of its own."""

    api: Any
    sql: Any
    portfolio: str
    admins: str
    superusers: str
    application: str
    environment: str
    other_portfolio: str
    other_admins: str
    people: dict[Who, str] = field(default_factory=dict)
    clients: dict[Who, Any] = field(default_factory=dict)
    groups: dict[Who, str] = field(default_factory=dict)
    _numbers: Any = field(default_factory=count)

    def name(self) -> str:
        """Return a name that nobody has."""
        return f"name-{next(self._numbers)}"

    async def ask(self, who: Who, ask: Ask) -> Any:
        """Make a request as somebody."""
        return await self.clients[who](ask.method, ask.path, ask.body)

    async def make(self, method: str, path: str, body: Any = None) -> Any:
        """Prepare something as the superuser who set everything up; return the answer's body."""
        answer = await self.api(method, path, body)
        assert answer.status < 300, answer
        return answer.body

    async def add_person(self, *groups: str, kind: str = "person") -> str:
        """Add somebody who can log in with PASSWORD; return who."""
        [row] = await self.sql(
            "INSERT INTO person (email, name, person_type, password_hash) "
            "VALUES ($1, $1, $2, $3) RETURNING id",
            f"{self.name()}@i.com",
            kind,
            PASSWORD_HASH,
        )
        for group in groups:
            await self.sql("INSERT INTO group_member VALUES ($1, $2)", group, row["id"])
        return str(row["id"])

    async def add_invited(self, *groups: str) -> tuple[str, str]:
        """Add somebody who has to register; return their address and the token."""
        who, token = await self.add_person(*groups), new_token()
        [row] = await self.sql(
            "UPDATE person SET password_hash = NULL, registration_token_hash = $2, "
            "registration_expires_at = now() + interval '1 day' WHERE id = $1 RETURNING email",
            who,
            hash_token(token),
        )
        return row["email"], token

    async def add_group(self, portfolio: str | None = None) -> str:
        """Add a group without members and roles."""
        [row] = await self.sql(
            "INSERT INTO person_group (organisation_id, portfolio_id, name) "
            "SELECT organisation_id, id, $2 FROM portfolio WHERE id = $1 RETURNING id",
            portfolio or self.portfolio,
            self.name(),
        )
        return str(row["id"])

    async def add_application(self) -> str:
        """Add an application to the portfolio."""
        path = f"/mr-api/portfolio/{self.portfolio}/application"
        body = {"name": self.name(), "description": ""}
        return (await self.make("POST", path, body))["id"]

    async def add_environment(self) -> str:
        """Add an environment to the application."""
        path = f"/mr-api/application/{self.application}/environment"
        return (await self.make("POST", path, {"name": self.name(), "description": ""}))["id"]

    async def add_feature(self, value_type: str = "STRING") -> dict[str, Any]:
        """Add a feature to the application; return it."""
        key = self.name()
        path = f"/mr-api/application/{self.application}/features"
        body = {"key": key, "name": key, "valueType": value_type}
        features = await self.make("POST", path, body)
        return next(feature for feature in features if feature["key"] == key)

    async def add_value(self, *, locked: bool = False) -> dict[str, Any]:
        """Add a feature with a value in the environment; return the value."""
        key = (await self.add_feature())["key"]
        body = {"key": key, "valueString": "old", "locked": locked}
        return await self.make("POST", f"/mr-api/features/{self.environment}/feature/{key}", body)

    async def add_account(self) -> dict[str, Any]:
        """Add a service account that reads everything in the environment; return it."""
        grant = {"environmentId": self.environment, "permissions": ["READ", "EXTENDED_DATA"]}
        return await self.make(
            "POST",
            f"/mr-api/portfolio/{self.portfolio}/service-account",
            {"name": self.name(), "permissions": [grant]},
        )

    async def version(self, table: str, identifier: str) -> int:
        """Return the version of a row."""
        [row] = await self.sql(f"SELECT version FROM {table} WHERE id = $1", identifier)
        return row["version"]

    async def fingerprint(self) -> list[tuple[str, str]]:
        """Return a digest of each table."""
        tables = await self.sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        )
        digests = " UNION ALL ".join(
            f"SELECT '{table}', (SELECT md5(string_agg(t::text, '' ORDER BY t::text)) "
            f"FROM {table} t)"
            for (table,) in tables
        )
        return [tuple(row) for row in await self.sql(digests)]


async def build_world(superuser: Any, sql: Any) -> World:
    """Build the installation on top of the first set-up, with all callers."""
    world = await _places(superuser, sql)
    roles = [(Who(role), "environment", world.environment) for role in Role]
    roles += [(Who(role), "application", world.application) for role in ApplicationRole]
    for who, where, place in roles:
        world.groups[who] = await world.add_group()
        await _grant(world, world.groups[who], where, place, [who.value])
    world.groups[Who.MEMBER] = await world.add_group()
    world.groups[Who.ARCHIVED] = await world.add_group()
    await _grant(world, world.groups[Who.ARCHIVED], "environment", world.environment, sorted(Role))
    await _grant(
        world,
        world.groups[Who.ARCHIVED],
        "application",
        world.application,
        sorted(ApplicationRole),
    )
    await sql(
        "UPDATE person_group SET when_archived = now() WHERE id = $1", world.groups[Who.ARCHIVED]
    )
    for who in (Who.PORTFOLIO_ADMIN, Who.ROBOT_ADMIN):
        world.groups[who] = world.admins
    world.groups[Who.OTHER_ADMIN] = world.other_admins
    for who in SUPERUSERS | {Who.EXPIRED, Who.DEACTIVATED, Who.MUST_RESET}:
        world.groups[who] = world.superusers
    for who in Who:
        await _admit(world, who)
    return world


async def _places(superuser: Any, sql: Any) -> World:
    [first] = (await superuser("GET", "/mr-api/portfolio?includeGroups=true")).body
    other = (await superuser("POST", "/mr-api/portfolio", {"name": "Other"})).body
    site = (await superuser("GET", "/mr-api/initialize")).body
    shop = await superuser(
        "POST",
        f"/mr-api/portfolio/{first['id']}/application?includeEnvironments=true",
        {"name": "Shop", "description": ""},
    )
    return World(
        superuser,
        sql,
        portfolio=first["id"],
        admins=first["groups"][0]["id"],
        superusers=site["organization"]["orgGroup"]["id"],
        application=shop.body["id"],
        environment=shop.body["environments"][0]["id"],
        other_portfolio=other["id"],
        other_admins=other["groups"][0]["id"],
    )


async def _grant(world: World, group: str, where: str, place: str, roles: list[str]) -> None:
    await world.sql(
        f"INSERT INTO acl (group_id, {where}_id, roles) VALUES ($1, $2, $3)", group, place, roles
    )


_CHANGES = {
    Who.EXPIRED: "UPDATE login_session SET when_created = now() - interval '1 year' "
    "WHERE person_id = $1",
    Who.DEACTIVATED: "UPDATE person SET when_archived = now() WHERE id = $1",
    Who.MUST_RESET: "UPDATE person SET password_requires_reset = true WHERE id = $1",
}


async def _admit(world: World, who: Who) -> None:
    if who is Who.STRANGER:
        world.clients[who] = world.api.as_person(None)
        return
    token = new_token()
    world.clients[who] = world.api.as_person(token)
    if who is Who.UNKNOWN:
        return
    groups = [world.groups[who]] if who in world.groups else []
    if who in SUPERUSERS:
        groups += [world.admins, world.other_admins]
    person = await world.add_person(*groups, kind="serviceAccount" if who in ROBOTS else "person")
    world.people[who] = person
    await world.sql(
        "INSERT INTO login_session (token_hash, person_id) VALUES ($1, $2)",
        hash_token(token),
        person,
    )
    if who in _CHANGES:
        await world.sql(_CHANGES[who], person)
