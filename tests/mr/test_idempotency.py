"""Writes with a key have their effect once, whatever happens to their answers."""

import msgspec
import pytest
import trio
from prometheus_client import CollectorRegistry

from fh.db.errors import CommitUnknown, DatabaseUnavailable
from fh.http.idempotency import HEADER, REPEATED, Attempt
from fh.mr import idempotency
from fh.mr.http.app import create_mr_app
from fh.mr.repositories.access import SessionOwner
from tests.mr.conftest import QUICK_PASSWORDS, Api, set_up

PATH = "/mr-api/portfolio"
SHOP = {"name": "Shop", "description": "sells"}


class Troubled:
    """A database that fails as `trouble` says, once."""

    def __init__(self, inner):
        self._inner = inner
        self.trouble = None
        self.writes = 0

    async def transaction(self, work, *, read_only=False):
        self.writes += not read_only
        trouble, self.trouble = (None, self.trouble) if read_only else (self.trouble, None)
        match trouble:
            case "before":
                raise DatabaseUnavailable("it is away")
            case "commit":
                await self._inner.transaction(work)
                raise CommitUnknown("it broke")
            case _:
                return await self._inner.transaction(work, read_only=read_only)


@pytest.fixture
def troubled(database):
    return Troubled(database)


@pytest.fixture
async def admin(troubled):
    app = create_mr_app(troubled, QUICK_PASSWORDS, registry=CollectorRegistry(), name="mr")
    answer = await set_up(Api(app))
    return Api(app, answer.body["accessToken"])


def keyed(api, key="k-1"):
    async def ask(method, path, body=None):
        return await api(method, path, body, headers={HEADER: key})

    return ask


async def names(api):
    return sorted(one["name"] for one in (await api("GET", PATH)).body)


async def test_a_lost_answer_is_given_again(admin):
    first = await keyed(admin)("POST", PATH, SHOP)
    again = await keyed(admin)("POST", PATH, SHOP)
    assert first.status == again.status == 200
    assert again.body == first.body
    assert REPEATED not in first.headers
    assert again.headers[REPEATED] == "true"
    assert await names(admin) == ["First Portfolio", "Shop"]


async def test_without_a_key_the_second_is_another_one(admin):
    assert (await admin("POST", PATH, SHOP)).status == 200
    assert (await admin("POST", PATH, SHOP)).status == 409


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PATH, {**SHOP, "name": "Other"}),
        ("POST", f"{PATH}?includeGroups=true", SHOP),
        ("PUT", "/mr-api/features/{eid}", []),
    ],
)
async def test_a_key_belongs_to_one_request(admin, method, path, body):
    await keyed(admin)("POST", PATH, SHOP)
    path = path.format(eid="00000000-0000-4000-8000-000000000001")
    answer = await keyed(admin)(method, path, body)
    assert (answer.status, answer.body["field"]) == (422, HEADER)
    assert "another request" in answer.body["detail"]
    assert await names(admin) == ["First Portfolio", "Shop"]


async def test_a_key_belongs_to_one_caller(superuser, add_person):
    other = await add_person("other@i.com")
    assert (await keyed(superuser)("POST", PATH, SHOP)).status == 200
    assert (await keyed(other)("POST", PATH, SHOP)).status == 403


async def test_a_refusal_is_given_again_though_it_would_be_accepted_by_now(admin, sql):
    await admin("POST", PATH, SHOP)
    assert (await keyed(admin)("POST", PATH, SHOP)).status == 409
    await sql("UPDATE portfolio SET name = 'Renamed' WHERE name = 'Shop'")
    again = await keyed(admin)("POST", PATH, SHOP)
    assert (again.status, again.headers[REPEATED]) == (409, "true")


async def test_what_had_no_effect_is_not_kept(admin, sql):
    made = await admin("GET", PATH)
    where = f"{PATH}/{made.body[0]['id']}/application"
    application = await admin("POST", where, {"name": "app", "description": ""})
    path = f"/mr-api/application/{application.body['id']}/rollout-strategy-validation"
    unnamed = {"customStrategies": [{"name": "", "percentage": 1}], "sharedStrategies": []}
    for _ in range(2):
        answer = await keyed(admin)("POST", path, unnamed)
        assert (answer.status, answer.headers.get(REPEATED)) == (200, None)
    assert await sql("SELECT * FROM idempotent_answer") == []


async def test_who_was_given_the_right_meanwhile_is_not_told_the_old_refusal(
    superuser, add_person, sql
):
    ada = await add_person("ada@i.com")
    assert (await keyed(ada)("POST", PATH, SHOP)).status == 403
    await sql(
        "INSERT INTO group_member SELECT g.id, p.id FROM person_group g, person p "
        "WHERE g.portfolio_id IS NULL AND p.email = 'ada@i.com'"
    )
    assert (await keyed(ada)("POST", PATH, SHOP)).status == 200


async def test_what_failed_is_tried_again(admin, troubled, sql):
    troubled.trouble = None
    token_seen = await admin("GET", PATH)
    assert token_seen.status == 200
    await sql("UPDATE login_session SET last_seen = now()")
    failing = FailingWrites(troubled)
    app = create_mr_app(failing, QUICK_PASSWORDS, registry=CollectorRegistry(), name="mr")
    api = Api(app, admin.token)
    failing.armed = "before"
    assert (await keyed(api)("POST", PATH, SHOP)).status == 503
    assert (await keyed(api)("POST", PATH, SHOP)).status == 200
    assert await names(api) == ["First Portfolio", "Shop"]


async def test_an_effect_whose_answer_nobody_knows_is_not_repeated(admin, troubled, monkeypatch):
    monkeypatch.setattr(idempotency, "_PATIENCE_SECONDS", 0.1)
    failing = FailingWrites(troubled)
    app = create_mr_app(failing, QUICK_PASSWORDS, registry=CollectorRegistry(), name="mr")
    api = Api(app, admin.token)
    failing.armed = "commit"
    assert (await keyed(api)("POST", PATH, SHOP)).status == 503
    again = await keyed(api)("POST", PATH, SHOP)
    assert again.status == 409
    assert "carried out before" in again.body["detail"]
    assert await names(api) == ["First Portfolio", "Shop"]


class FailingWrites(Troubled):
    """Fails the first write that takes a key, as armed."""

    armed = None

    async def transaction(self, work, *, read_only=False):
        if self.armed and getattr(work, "__name__", "") == "reserving":
            self.trouble, self.armed = self.armed, None
        return await super().transaction(work, read_only=read_only)


async def test_of_requests_at_once_one_has_the_effect_and_all_have_its_answer(admin):
    answers = []

    async def ask():
        answers.append(await keyed(admin)("POST", PATH, SHOP))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(ask)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert await names(admin) == ["First Portfolio", "Shop"]


async def test_nothing_in_the_table_can_be_read(admin, sql):
    portfolio = (await admin("GET", PATH)).body[0]["id"]
    made = await keyed(admin, "guess-me")(
        "POST", f"{PATH}/{portfolio}/service-account", {"name": "sdk"}
    )
    secret = made.body["apiKeyServerSide"].encode()
    [row] = await sql("SELECT digest, request_hash, sealed FROM idempotent_answer")
    stored = b"".join(row.values())
    for told in (secret, b"guess-me", b"sdk", admin.token.encode()):
        assert told not in stored
    again = await keyed(admin, "guess-me")(
        "POST", f"{PATH}/{portfolio}/service-account", {"name": "sdk"}
    )
    assert again.body["apiKeyServerSide"].encode() == secret


async def test_another_session_of_the_same_person_learns_nothing(admin):
    await keyed(admin)("POST", PATH, SHOP)
    sent = {"email": "irina@i.com", "password": "password123"}
    token = (await admin("POST", "/mr-api/login", sent)).body["accessToken"]
    answer = await keyed(admin.as_person(token))("POST", PATH, SHOP)
    assert answer.status == 409
    assert "carried out before" in answer.body["detail"]


async def test_who_must_change_the_password_first_is_the_same_person(place):
    def digest(caller):
        return idempotency._digest(Attempt(caller, "token", "key"))

    assert digest(place.caller) == digest(SessionOwner(place.caller, True))
    with pytest.raises(AssertionError):
        digest(None)


async def test_a_large_answer_is_not_kept_but_its_effect_is_not_repeated(admin, monkeypatch):
    monkeypatch.setattr(idempotency, "MOST_ANSWER_BYTES", 10)
    assert (await keyed(admin)("POST", PATH, SHOP)).status == 200
    assert (await keyed(admin)("POST", PATH, SHOP)).status == 409
    assert await names(admin) == ["First Portfolio", "Shop"]


async def test_after_a_day_a_key_is_new(admin, sql):
    assert (await keyed(admin, "k-0")("POST", PATH, SHOP)).status == 200
    await sql("UPDATE idempotent_answer SET when_created = now() - interval '25 hours'")
    other = await keyed(admin, "k-0")("POST", PATH, {**SHOP, "name": "Other"})
    assert other.status == 200
    [row] = await sql("SELECT count(*) AS rows FROM idempotent_answer")
    assert row["rows"] == 1


async def test_the_document_tells_of_the_header_where_it_counts(stranger):
    paths = (await stranger("GET", "/openapi.json")).body["paths"]

    def takes(path, method):
        return HEADER in {one["name"] for one in paths[path][method]["parameters"]}

    assert takes(PATH, "post")
    assert not takes(PATH, "get")
    assert not takes("/mr-api/login", "post")
    assert msgspec.json.encode(paths)
