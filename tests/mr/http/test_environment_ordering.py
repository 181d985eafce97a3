from uuid import uuid4

import pytest


@pytest.fixture
def path(shop):
    return f"/mr-api/application/{shop.application}/environment-ordering"


@pytest.fixture
async def chain(shop):
    """production ← one ← two"""
    one = await shop.add_environment("one")
    two = await shop.add_environment("two")
    return [{"id": shop.production, "version": 1}, one, two]


def behind(environment, prior):
    rest = {key: value for key, value in environment.items() if key != "priorEnvironmentId"}
    return rest if prior is None else rest | {"priorEnvironmentId": prior["id"]}


async def names(shop):
    listed = await shop.api("GET", f"/mr-api/application/{shop.application}/environment")
    return [environment["name"] for environment in listed.body]


async def test_a_whole_order_is_set_at_once_and_nothing_is_announced(shop, path, chain):
    production, one, two = chain
    await shop.announced()
    body = [behind(production, one), behind(one, two), behind(two, None)]
    answer = await shop.api("POST", path, body)
    assert answer.status == 200
    assert {e["name"]: e["version"] for e in answer.body} == {
        "production": 2,
        "one": 2,
        "two": 2,
    }
    assert await names(shop) == ["two", "one", "production"]
    assert await shop.announced() == []
    again = [
        behind(e, None) | {"priorEnvironmentId": e.get("priorEnvironmentId")} for e in answer.body
    ]
    unchanged = await shop.api("POST", path, again)
    assert {e["version"] for e in unchanged.body} == {2}


async def test_a_list_of_one_says_nothing(shop, path, chain):
    answer = await shop.api("POST", path, [{"id": str(uuid4()), "version": 9}])
    assert answer.status == 200
    assert len(answer.body) == 3
    assert (await shop.api("POST", path, [])).status == 200
    assert await names(shop) == ["production", "one", "two"]


async def test_what_is_no_order_is_refused(shop, path, chain):
    production, one, two = chain
    bad = {
        "[1].id": [one, {"id": str(uuid4()), "version": 1}],
        "[0].version": [behind(one | {"version": 7}, None), behind(two, None)],
        "[1].version": [behind(one, None), {"id": two["id"]}],
        "[0].priorEnvironmentId": [behind(one, production), behind(two, None)],
        "id": [behind(one, None), behind(one, None)],
        "priorEnvironmentId": [behind(one, two), behind(two, one)],
    }
    for field, body in bad.items():
        if field == "[1].id":
            body[0] = behind(one, None)
        answer = await shop.api("POST", path, body)
        assert (answer.status, answer.body["field"]) == (400, field)
    assert await names(shop) == ["production", "one", "two"]


async def test_only_admins_order(shop, path, chain, member):
    api, _group = member
    assert (await api("POST", path, [])).status == 403
    unknown = f"/mr-api/application/{uuid4()}/environment-ordering"
    assert (await shop.api("POST", unknown, [])).status == 404
