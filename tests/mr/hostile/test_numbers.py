"""Numbers that no column of ours can hold: in every place of every body and query."""

from urllib.parse import parse_qsl, urlencode

import pytest

from fh.mr.http.app import mr_routes
from fh.mr.settings import MrSettings
from tests.mr.contract.answers import NoDatabase
from tests.mr.hostile.bodies import example, numbers, with_number
from tests.mr.installation import Installation

ROUTES = mr_routes(NoDatabase(), MrSettings())
SIZES = [2**63, -(2**63) - 1, 2**64, -(2**70)]


@pytest.fixture
async def installation(superuser) -> Installation:
    made = Installation(superuser)
    await made.grow("first")
    return made


async def test_a_number_in_a_body_is_refused_or_harmless(installation):
    for route in ROUTES:
        if route.body is None:
            continue
        body = example(route.body)
        for place in numbers(body):
            for number in SIZES:
                sent = with_number(body, place, number)
                answer = await installation.api(route.method, installation.path(route), sent)
                assert answer.status < 500, (route.operation_id, place, number)


async def test_a_number_in_a_query_is_refused_or_harmless(installation):
    for route in ROUTES:
        if route.query is None:
            continue
        path, _, usual = installation.path(route).partition("?")
        for name in numbers(example(route.query)):
            for number in SIZES:
                query = urlencode({**dict(parse_qsl(usual)), str(name[0]): number})
                body = None if route.body is None else example(route.body)
                answer = await installation.api(route.method, f"{path}?{query}", body)
                assert answer.status < 500, (route.operation_id, name, number)
