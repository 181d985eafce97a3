"""Whoever sends a body slowly may only do what they may when it has come."""

import pytest
import trio
from prometheus_client import CollectorRegistry

from fh.http.cors import Cors
from fh.http.metrics import HttpMetrics
from fh.http.problem import Problem
from fh.http.quart_app import Face, create_app
from fh.http.routing import Request, Route

ADA = {"Authorization": "Bearer ada"}


@pytest.fixture
def rights():
    return {"ada": "admin"}


@pytest.fixture
def client(rights):
    async def authenticate(token: str | None) -> str:
        if token not in rights:
            raise Problem(401, text="Please login.")
        return rights[token]

    async def whoami(request: Request[str, None, dict[str, str]]) -> str:
        return request.caller

    route = Route("PUT", "/me", "me", whoami, tag="T", body=dict[str, str])
    metrics = HttpMetrics(CollectorRegistry(), [route])
    return create_app(Face([route], authenticate, {}, metrics, Cors())).test_client()


async def held_back(client, meanwhile):
    """Send the end of a body half a minute after its beginning; return the answer."""
    async with client.request("/me", method="PUT", headers=ADA) as connection:
        await connection.send(b"{")
        await trio.sleep(30)
        meanwhile()
        await connection.send(b"}")
        await connection.send_complete()
    return await connection.as_response()


async def test_whoever_was_logged_out_meanwhile_is_a_stranger(client, rights, autojump_clock):
    assert (await held_back(client, rights.clear)).status_code == 401


async def test_whoever_lost_a_role_meanwhile_acts_without_it(client, rights, autojump_clock):
    answer = await held_back(client, lambda: rights.update(ada="guest"))
    assert (answer.status_code, await answer.get_json()) == (200, "guest")


async def test_a_stranger_is_refused_before_the_body_has_come(client, rights, autojump_clock):
    rights.clear()
    assert (await held_back(client, lambda: rights.update(ada="admin"))).status_code == 401
