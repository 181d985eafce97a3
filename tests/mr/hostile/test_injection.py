"""Texts that mean something to somebody else: in every place of every body, path and query."""

from itertools import product
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from fh.http.decoding import LARGEST_BODY_BYTES
from fh.http.openapi import openapi_document
from fh.http.routing import AnyRoute, Parameter
from fh.mr.http.app import mr_routes
from fh.mr.http.contract import mr_contract
from fh.mr.settings import MrSettings
from tests.mr.contract.answers import NoDatabase
from tests.mr.hostile.bodies import ANY, TEXT, example, texts, value_at, with_value
from tests.mr.installation import Installation

ROUTES = {route.operation_id: route for route in mr_routes(NoDatabase(), MrSettings())}
WRITES = [name for name, route in ROUTES.items() if route.body is not None]
# An account is locked for a while after a few wrong passwords; and the second set-up is refused.
WITHOUT_LIMIT = [name for name in WRITES if name not in {"login", "setupSiteAdmin"}]
TEXTS = [
    "'; DROP TABLE person; --",
    "' OR '1'='1",
    "\\'; SELECT pg_sleep(60); --",
    "$1 %s %(name)s {0}",
    "text\r\nSet-Cookie: stolen=1\r\n\r\n<html>",
    "{{7*7}}_${7*7}_#{7*7}_<%=7*7%>",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "\u202etxt\ufeff",
    "x" * 70_000,
]
UNSTORABLE = (rb'"a\u0000"', rb'"\ud800"', b'"\xff"', b'"\xed\xa0\x80"')
IN_PATHS = [TEXTS[0], TEXTS[4], TEXTS[6], "%00", "%ff", "%ed%a0%80", "..", "a/b"]
NESTED = b"[" * 50 + b"]" * 50
ENDLESS = b"[" * 50_000


pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def installation(superuser) -> Installation:
    made = Installation(superuser)
    await made.grow("first")
    return made


def at(body: Any, place: tuple[str | int, ...], text: bytes) -> bytes:
    """Return the JSON of `body` with a text in JSON at one place, as it is."""
    return msgspec.json.encode(with_value(body, place, "@here@")).replace(b'"@here@"', text)


async def still_there(sql: Any) -> None:
    [row] = await sql("SELECT count(*) AS people FROM person")
    assert row["people"] > 0


async def test_a_text_in_a_body_is_a_text(installation, sql):
    for name in WITHOUT_LIMIT:
        await try_texts(ROUTES[name], installation)
    await still_there(sql)


async def try_texts(route: AnyRoute, installation: Installation) -> None:
    body = example(route.body)
    places = texts(route.body)
    bodies = [with_value(body, place, text) for place in places for text in TEXTS[:1]]
    for text in TEXTS:
        # Identifiers and enumerations would be refused before anybody looks at the rest.
        sent = body
        for place in places:
            if value_at(body, place) in {TEXT, ANY}:
                sent = with_value(sent, place, text)
        bodies.append(sent)
    for sent in bodies:
        answer = await installation.api(route.method, installation.path(route), sent)
        assert answer.status < 500, (sent, answer)
        assert "Set-Cookie" not in answer.headers
        assert "49_49" not in str(answer.body)  # no identifier holds that


async def test_what_postgresql_can_not_store_is_refused(installation):
    for route in (ROUTES[name] for name in WRITES):
        for number, place in enumerate(texts(route.body)):
            escape = UNSTORABLE[number % len(UNSTORABLE)]
            sent = at(example(route.body), place, escape)
            answer = await installation.api(route.method, installation.path(route), sent)
            assert answer.status == 400, (route.operation_id, place, escape, answer)


async def test_what_is_nested_is_refused_wherever_it_counts(installation):
    for route in (ROUTES[name] for name in WRITES):
        path = installation.path(route)
        for place in texts(route.body):
            sent = at(example(route.body), place, NESTED)
            answer = await installation.api(route.method, path, sent)
            assert answer.status == 400, (route.operation_id, place, answer)
        for whole in (NESTED, ENDLESS, b'{"a":' * 10_000, b"{" * 1000):
            assert (await installation.api(route.method, path, whole)).status == 400


async def test_a_body_longer_than_what_it_carries_is_refused(installation):
    limits = set()
    for route in (ROUTES[name] for name in WRITES):
        path = installation.path(route)
        limits.add(route.most_body_bytes)
        fits = b'["' + b"x" * (route.most_body_bytes - 4) + b'"]'
        assert (await installation.api(route.method, path, fits)).status == 400
        assert (await installation.api(route.method, path, fits + b" ")).status == 413
    assert limits == {64 * 1024, 1024 * 1024, LARGEST_BODY_BYTES}


async def test_a_long_text_is_refused_by_its_name(installation):
    long = "x" * (1024 * 1024 - 100)
    answer = await installation.api("POST", "/mr-api/portfolio", {"name": long, "description": ""})
    assert (answer.status, answer.body["field"]) == (400, "name")


async def test_a_text_in_a_path_is_a_text(installation, sql):
    for text, route in product(IN_PATHS, ROUTES.values()):
        parameters = [part for part in route.segments if isinstance(part, Parameter)]
        if not parameters or route.operation_id == "logout":
            continue
        sent = text if text.startswith("%") else quote(text, safe="")
        body = None if route.body is None else example(route.body)
        for number in range(len(parameters)):
            path = installation.path(route, number, sent)
            answer = await installation.api(route.method, path, body)
            assert answer.status < 500, (route.operation_id, path, answer)
            assert "Set-Cookie" not in answer.headers
    await still_there(sql)


async def test_a_text_in_a_query_is_a_text(installation, sql):
    for text, route in product(IN_PATHS[:6], ROUTES.values()):
        if route.query is None:
            continue
        document = openapi_document([route], mr_contract(()))
        [[operation]] = [list(methods.values()) for methods in document["paths"].values()]
        body = None if route.body is None else example(route.body)
        sent = text if text.startswith("%") else quote(text, safe="")
        for parameter in operation["parameters"]:
            if parameter["in"] == "query":
                path = f"{installation.path(route).partition('?')[0]}?{parameter['name']}={sent}"
                answer = await installation.api(route.method, path, body)
                assert answer.status < 500, (route.operation_id, path, answer)
    await still_there(sql)
