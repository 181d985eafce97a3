"""The admin API over a fresh database, and people who talk to it."""

import threading
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import pytest
import trio
from prometheus_client import CollectorRegistry

from fh.contracts.updates import StreamedFeatureUpdate
from fh.http.metrics import metrics_routes
from fh.mr.access import PersonType
from fh.mr.http.app import create_mr_app
from fh.mr.repositories import login_attempts
from fh.mr.repositories.access import load_caller
from fh.mr.sdk_updates import DatabaseUpdates, UpdateStatistics
from fh.mr.settings import MrSettings
from tests.mr.contract import answers

QUICK_PASSWORDS = MrSettings(password_memory_kib=64, password_passes=1)
SITE = {
    "portfolio": "First Portfolio",
    "organizationName": "SampleOrg",
    "emailAddress": "Irina@i.com",
    "password": "password123",
    "name": "Superuser",
}


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Any


class Api:
    """One person's client; without a token nobody's."""

    def __init__(self, app: Any, token: str | None = None) -> None:
        self.app = app
        self.token = token
        self._client = app.test_client()

    async def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        data = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        response = await self._client.open(
            path, method=method, data=data, headers=headers, **options
        )
        content = await response.get_data()
        is_json = content and response.content_type == "application/json"
        decoded = msgspec.json.decode(content) if is_json else content
        if method != "HEAD":
            answers.check(method, path, response.status_code, decoded)
        return Answer(response.status_code, decoded, response.headers)

    def as_person(self, token: str) -> "Api":
        return Api(self.app, token)


async def set_up(stranger: Api) -> Answer:
    return await stranger("POST", "/mr-api/initialize", SITE)


@pytest.fixture
def mr_app(database):
    registry = CollectorRegistry()
    return create_mr_app(
        database,
        QUICK_PASSWORDS,
        registry=registry,
        name="party-server",
        more=metrics_routes(registry),
    )


@pytest.fixture
def stranger(mr_app) -> Api:
    return Api(mr_app)


@pytest.fixture
def in_turn(database, sql):
    """Run one unit of work up to its end, then another, and let the first commit only then."""

    async def run(first, second):
        done = threading.Event()

        async def first_slowly(tx):
            await first(tx)
            done.set()
            while not await tx.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await tx.fetchval("SELECT pg_sleep(0.001)")

        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(database.transaction, first_slowly)
                while not done.is_set():
                    await sql("SELECT 1")
                await second()

    return run


@pytest.fixture
def no_failure_is_forgotten(monkeypatch):
    """Have time stand still for who fails to log in; a busy machine needs some for ten failures."""
    for name in ("_WAIT", "_TAKE"):
        timeless = getattr(login_attempts, name).replace("now()", "timestamptz '2026-01-01'")
        monkeypatch.setattr(login_attempts, name, timeless)


@pytest.fixture
async def superuser(stranger) -> Api:
    answer = await set_up(stranger)
    assert answer.status == 200, answer
    return stranger.as_person(answer.body["accessToken"])


@pytest.fixture
def add_person(database, superuser):
    """Create a person with a password, in some groups; return their client."""

    async def add(email: str, groups: tuple[str, ...] = (), password: str = "password123") -> Api:
        from fh.mr.services.passwords import Passwords

        hashed = await Passwords(64, 1).hash(password)

        async def work(tx: Any) -> None:
            person = await tx.fetchval(
                "INSERT INTO person (email, name, password_hash) VALUES ($1, $1, $2) RETURNING id",
                email,
                hashed,
            )
            for group in groups:
                await tx.execute("INSERT INTO group_member VALUES ($1, $2)", group, person)

        await database.transaction(work)
        answer = await superuser.as_person("")(
            "POST", "/mr-api/login", {"email": email, "password": password}
        )
        assert answer.status == 200, answer
        return superuser.as_person(answer.body["accessToken"])

    return add


@pytest.fixture
def sql(database):
    """Run one statement in a transaction of its own."""

    async def run(statement: str, *args: Any) -> Any:
        return await database.transaction(lambda tx: tx.fetch(statement, *args))

    return run


@dataclass
class Place:
    caller: Any
    portfolio: UUID
    application: UUID
    environment: UUID


@pytest.fixture
async def place(superuser, sql, database) -> Place:
    """An application with an environment and a feature, for what is called directly."""
    portfolio = (await superuser("GET", "/mr-api/portfolio")).body[0]["id"]
    application = await superuser(
        "POST",
        f"/mr-api/portfolio/{portfolio}/application?includeEnvironments=true",
        {"name": "Shop", "description": ""},
    )
    await superuser(
        "POST",
        f"/mr-api/application/{application.body['id']}/features",
        {"key": "title", "name": "Title", "valueType": "STRING"},
    )
    [person] = await sql("SELECT id FROM person")
    caller = await database.transaction(lambda tx: load_caller(tx, person["id"], PersonType.PERSON))
    environment = application.body["environments"][0]["id"]
    return Place(caller, UUID(portfolio), UUID(application.body["id"]), UUID(environment))


@dataclass
class SdkWriter:
    """An environment with a feature of each type, named after it, and an account."""

    api: Any
    sql: Any
    place: Place
    updates: DatabaseUpdates
    account: dict[str, Any]

    def update(self, key: str, **members: Any) -> StreamedFeatureUpdate:
        known = {"secret": self.account["apiKeyServerSide"], "environment_id": self.environment}
        return StreamedFeatureUpdate(**{**known, "feature_key": key, **members})

    async def submit(self, key: str, **members: Any) -> UpdateStatistics:
        """Submit one update; return what became of it."""
        before = self.updates.statistics()
        with trio.fail_after(10):
            await self.updates.submit(self.update(key, **members))
        after = self.updates.statistics()
        return UpdateStatistics(
            after.applied - before.applied,
            after.unchanged - before.unchanged,
            after.dropped - before.dropped,
        )

    async def set(self, key: str, **value: Any) -> UpdateStatistics:
        return await self.submit(key, updating_value=True, **value)

    @property
    def environment(self) -> UUID:
        return self.place.environment

    async def put(self, key: str, **body: Any) -> Any:
        """Write a value as the superuser does."""
        path = f"/mr-api/features/{self.environment}/feature/{key}"
        answer = await self.api("PUT", path, {"key": key, "locked": False, **body})
        assert answer.status == 200, answer
        return answer.body

    async def row(self, key: str) -> tuple[str | None, bool, int] | None:
        """Return value, lock and version of a feature, if it ever had any."""
        rows = await self.sql(
            "SELECT v.default_value, v.locked, v.version FROM feature_value v "
            "JOIN feature f ON f.id = v.feature_id WHERE f.key = $1",
            key,
        )
        return tuple(rows[0]) if rows else None

    async def bodies(self) -> list[bytes]:
        """Return the values announced since the last look, as text."""
        rows = await self.sql(
            "WITH gone AS (DELETE FROM outbox RETURNING id, kind, body) "
            "SELECT body FROM gone WHERE kind = 'feature-values' ORDER BY id"
        )
        return [row["body"] for row in rows]

    async def announced(self) -> list[dict[str, Any]]:
        """Return the same as values."""
        return [msgspec.json.decode(body)["features"][0] for body in await self.bodies()]


@pytest.fixture
async def sdk(superuser, sql, place, database) -> SdkWriter:
    for kind in ("BOOLEAN", "STRING", "NUMBER", "JSON"):
        answer = await superuser(
            "POST",
            f"/mr-api/application/{place.application}/features",
            {"key": kind, "name": kind, "valueType": kind},
        )
        assert answer.status == 200, answer
    account = await superuser(
        "POST", f"/mr-api/portfolio/{place.portfolio}/service-account", {"name": "sdk"}
    )
    await sql("DELETE FROM outbox")
    return SdkWriter(superuser, sql, place, DatabaseUpdates(database), account.body)
