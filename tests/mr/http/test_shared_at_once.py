"""Whatever many people do at once with what features share, what is announced last is the truth."""

from typing import Any

import msgspec
import pytest
import trio

from fh.contracts.published import encode_published
from fh.mr.repositories.published_accounts import load_published_account
from fh.mr.repositories.publishing import load_published_environment

ROUNDS = 4


async def _all_at_once(*requests: Any) -> list[int]:
    """Send requests at the same time; return their statuses, none of which is a fault of ours."""
    statuses: list[int] = []

    async def one(request: Any) -> None:
        answer = await request
        assert answer.status < 500, answer
        statuses.append(answer.status)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for request in requests:
                nursery.start_soon(one, request)
    return statuses


@pytest.fixture
def truth(shop, database):
    """Return what would be published now of the environment's features, by key."""

    async def load() -> dict[str, Any]:
        event = await database.transaction(
            lambda tx: load_published_environment(tx, shop.production)
        )
        features = msgspec.json.decode(encode_published(event))["fv"]
        return {one["feature"]["key"]: one for one in features}

    return load


async def _last_announced(shop) -> dict[str, Any]:
    """Return the newest that was ever announced of each feature that is left, by key."""
    shop.seen[0] = 0
    last: dict[str, Any] = {}
    for kind, event in await shop.announced():
        if kind == "feature-values":
            [change] = event["features"]
            last[change["feature"]["feature"]["key"]] = change
    return {key: change["feature"] for key, change in last.items() if change["action"] != "DELETE"}


async def _write(shop, key: str, **members: Any) -> Any:
    path = shop.value_path(key)
    got = await shop.api("GET", path)
    body = got.body if got.status == 200 else {"key": key, "locked": False}
    return await shop.api("PUT", path, {**body, **members})


async def _attach(shop, key: str, strategy: dict, value: str) -> Any:
    instances = [{"strategyId": strategy["id"], "value": value}]
    return await _write(shop, key, rolloutStrategyInstances=instances)


async def test_strategies_that_change_while_they_are_attached(shop, truth):
    path = f"/mr-api/application/{shop.application}/strategy"
    made = (await shop.api("POST", path, {"name": "s", "percentage": 1})).body
    one = f"/mr-api/application/{shop.application}/rollout-strategy/{made['id']}"
    keys = [f"feature-{number}" for number in range(5)]
    for key in keys:
        await shop.add_feature(key, "STRING")
    for turn in range(ROUNDS):
        statuses = await _all_at_once(
            *(_attach(shop, key, made, f"v{turn}") for key in keys),
            *(shop.api("PUT", one, {"percentage": 10 * turn + n}) for n in range(2, 5)),
            _write(shop, keys[turn], valueString=f"x{turn}"),
        )
        assert 200 in statuses
        now = await truth()
        assert {key: now[key] for key in keys} == await _last_announced(shop)
    await _all_at_once(*(_attach(shop, key, made, "late") for key in keys), shop.api("DELETE", one))
    assert await truth() == await _last_announced(shop)
    assert await shop.sql("SELECT FROM attached_strategy") == []


async def test_groups_that_change_while_their_members_do(shop, truth):
    path = f"/mr-api/application/{shop.application}/feature-groups"
    keys = [f"feature-{number}" for number in range(5)]
    features = {key: (await shop.add_feature(key, "STRING"))["id"] for key in keys}
    body = {
        "environmentId": shop.production,
        "features": [],
        "strategies": [{"name": "s", "percentage": 1}],
    }
    groups = [(await shop.api("POST", path, {**body, "name": name})).body for name in ("g", "h")]

    ends = [f"{shop.features_path}/{keys[-1]}"]

    async def fill(group: dict, turn: int) -> Any:
        current = (await shop.api("GET", f"{path}/{group['id']}")).body
        members = [{"id": features[key], "value": f"{turn}"} for key in keys[turn:]]
        change = {"id": group["id"], "version": current["version"], "features": members}
        return await shop.api("PUT", path, change)

    for turn in range(ROUNDS):
        statuses = await _all_at_once(
            *(fill(group, turn) for group in groups),
            *(_write(shop, key, valueString=f"x{turn}") for key in keys),
            *(shop.api("DELETE", one) for one in ends if turn == ROUNDS - 1),
        )
        assert 200 in statuses
        assert await truth() == await _last_announced(shop)
    await _all_at_once(
        *(shop.api("DELETE", f"{path}/{group['id']}") for group in groups),
        *(_write(shop, key, valueString="end") for key in keys[:-1]),
    )
    assert await truth() == await _last_announced(shop)
    assert all(not one["value"]["rolloutStrategies"] for one in (await truth()).values())


async def test_filters_that_go_while_they_are_attached(shop, truth, database):
    path = f"/mr-api/portfolio/{shop.portfolio}/feature-filter"
    accounts = f"/mr-api/portfolio/{shop.portfolio}/service-account"
    kept = (await shop.api("POST", path, {"name": "kept"})).body
    account = (await shop.api("POST", accounts, {"name": "a", "featureFilter": [kept["id"]]})).body
    for turn in range(ROUNDS):
        gone = (await shop.api("POST", path, {"name": f"gone-{turn}"})).body
        feature = await shop.add_feature(f"feature-{turn}", "STRING", featureFilter=[gone["id"]])
        both = [gone["id"], kept["id"]]
        current = (await shop.api("GET", f"/mr-api/service-account/{account['id']}")).body
        await _all_at_once(
            shop.api(
                "PUT",
                f"{shop.features_path}/feature-{turn}",
                {**feature, "featureFilter": both},
            ),
            shop.api("PUT", accounts, {**current, "permsInvalid": True, "featureFilters": both}),
            shop.api("DELETE", f"{path}/{gone['id']}?version=1"),
            shop.api(
                "POST",
                f"/mr-api/application/{shop.application}/environment",
                {"name": f"env-{turn}", "description": ""},
            ),
            shop.api(
                "POST",
                shop.features_path,
                {"key": f"l-{turn}", "name": "l", "valueType": "STRING", "featureFilter": both},
            ),
        )
    now = await truth()
    shop.seen[0] = 0
    events = await shop.announced()
    last = {
        event["features"][0]["feature"]["feature"]["key"]: event["features"][0]["feature"]
        for kind, event in events
        if kind == "feature-values" and event["features"][0]["environmentId"] == shop.production
    }
    assert now == last
    told = [event for kind, event in events if kind == "service-account"][-1]
    published = await database.transaction(lambda tx: load_published_account(tx, account["id"]))
    assert (
        told["serviceAccount"] == msgspec.json.decode(encode_published(published))["serviceAccount"]
    )
