"""No operation takes a key before its effect: a refusal of the moment does not last a day.

Whatever the first write of an operation is, it takes the key. One that wrote twice would leave a
key without an answer where the second write fails: so each of them is made to fail.
"""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from fh.db.errors import DatabaseUnavailable
from fh.http.idempotency import HEADER, METHODS
from fh.mr.http.app import create_mr_app, mr_routes
from fh.mr.idempotency import DatabaseAnswers
from fh.mr.services.passwords import Passwords, TooManyPasswords
from fh.mr.settings import MrSettings
from tests.mr.conftest import QUICK_PASSWORDS, Api
from tests.mr.contract.answers import NoDatabase
from tests.mr.hostile.bodies import example
from tests.mr.installation import Installation

ROUTES = [
    route
    for route in mr_routes(NoDatabase(), MrSettings())
    if route.method in METHODS and route.authenticated
]
REFRESH = "/mr-api/dacha1/cache"


class Failing:
    """A database whose `failing`th write on behalf of an operation with a key fails."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.failing = 0
        self.writes = 0
        self.inside = False

    async def transaction(self, work: Any, *, read_only: bool = False) -> Any:
        if not read_only and self.inside:
            self.writes += 1
            if self.writes == self.failing:
                raise DatabaseUnavailable("it is away")
        return await self._inner.transaction(work, read_only=read_only)


@pytest.fixture
def failing(database, monkeypatch):
    """Fail within operations only, not where tokens are looked up and answers kept."""
    made, once = Failing(database), DatabaseAnswers.once

    async def watched(answers, attempt, answer):
        async def inside():
            made.inside = True
            try:
                return await answer()
            finally:
                made.inside = False

        return await once(answers, attempt, inside)

    monkeypatch.setattr(DatabaseAnswers, "once", watched)
    return made


@pytest.fixture
async def api(superuser, failing):
    app = create_mr_app(failing, QUICK_PASSWORDS, registry=CollectorRegistry(), name="mr")
    return Api(app, superuser.token)


@pytest.fixture
def taken(sql):
    """Return how many keys are taken without an answer."""

    async def count() -> int:
        [row] = await sql("SELECT count(*) AS keys FROM idempotent_answer WHERE sealed IS NULL")
        return row["keys"]

    return count


async def test_a_write_that_fails_leaves_its_key_free(superuser, api, failing, taken):
    installation = Installation(superuser)
    await installation.grow("first")
    wrote = set()
    for route in ROUTES:
        body = None if route.body is None else example(route.body)
        for failing.failing in (1, 2, 3):
            failing.writes = 0
            headers = {HEADER: f"{route.operation_id}-{failing.failing}"}
            answer = await api(route.method, installation.path(route), body, headers=headers)
            assert await taken() == 0, (route.operation_id, failing.failing, answer)
            if failing.writes < failing.failing:
                break
            wrote.add(route.operation_id)
            assert answer.status == 503, (route.operation_id, answer)
    assert len(wrote) > 30, "what is refused before it writes proves nothing"


async def test_a_refresh_that_failed_half_way_begins_anew(shop, api, failing, taken):
    await shop.add_environment("test")
    await shop.add_environment("staging")
    await shop.announced()
    failing.failing = 2
    for status in (503, 200):
        answer = await api(
            "POST", REFRESH, {"applicationId": [shop.application]}, headers={HEADER: "k"}
        )
        assert answer.status == status
        assert await taken() == 0
    assert len(await shop.announced()) == 1 + 3
    again = await api("POST", REFRESH, {"applicationId": [shop.application]}, headers={HEADER: "k"})
    assert again.body == answer.body
    assert await shop.announced() == []


async def test_who_had_to_wait_changes_the_password_with_the_same_key(superuser, reconfigured, sql):
    who = (await superuser("GET", "/mr-api/person/self")).body["id"]["id"]
    path = f"/mr-api/authentication/{who}/changePassword"
    sent = {"oldPassword": "password123", "newPassword": "correct horse"}
    strict = reconfigured(login_failures_per_minute=1)
    assert (await strict("PUT", path, {**sent, "oldPassword": "wrong"})).status == 400
    assert (await strict("PUT", path, sent, headers={HEADER: "k"})).status == 429
    await sql("UPDATE login_attempt SET full_at = full_at - interval '1 minute'")
    assert (await strict("PUT", path, sent, headers={HEADER: "k"})).status == 200


async def test_a_password_that_could_not_be_hashed_is_reset_with_the_same_key(
    superuser, add_person, monkeypatch
):
    ada = await add_person("ada@i.com")
    who = (await ada("GET", "/mr-api/person/self")).body["id"]["id"]
    path = f"/mr-api/authentication/{who}/resetPassword"

    async def busy(*_):
        raise TooManyPasswords

    with monkeypatch.context() as patch:
        patch.setattr(Passwords, "hash", busy)
        sent = {"password": "temporary"}
        assert (await superuser("PUT", path, sent, headers={HEADER: "k"})).status == 503
    assert (await superuser("PUT", path, sent, headers={HEADER: "k"})).status == 200
