"""Service accounts of SDKs."""

from typing import Any

from tests.mr.matrix.applications import SEES_KEYS
from tests.mr.matrix.row import Row
from tests.mr.matrix.world import ADMINS, MEMBERS, Ask, Who, World


def portfolio_path(world: World) -> str:
    return f"/mr-api/portfolio/{world.portfolio}/service-account"


async def search(world: World, _: Who) -> Ask:
    account = await world.add_account()
    return Ask("GET", f"{portfolio_path(world)}?filter={account['name']}&includePermissions=true")


async def search_urls(world: World, _: Who) -> Ask:
    account = await world.add_account()
    query = f"filter={account['name']}&includePermissions=true&includeSdkUrls=true"
    return Ask("GET", f"{portfolio_path(world)}?{query}")


async def create(world: World, _: Who) -> Ask:
    return Ask("POST", portfolio_path(world), {"name": world.name()})


async def update(world: World, _: Who) -> Ask:
    return Ask("PUT", portfolio_path(world), await world.add_account() | {"name": world.name()})


async def update_by_id(world: World, _: Who) -> Ask:
    account = await world.add_account()
    return Ask("PUT", f"/mr-api/service-account/{account['id']}", account)


async def update_by_id_elsewhere(world: World, _: Who) -> Ask:
    account = await world.add_account() | {"portfolioId": world.other_portfolio}
    return Ask("PUT", f"/mr-api/service-account/{account['id']}", account)


async def get(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/service-account/{(await world.add_account())['id']}")


async def delete(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"/mr-api/service-account/{(await world.add_account())['id']}")


async def reset(world: World, _: Who) -> Ask:
    account = await world.add_account()
    return Ask("POST", f"/mr-api/service-account/{account['id']}/reset-api-key")


def found(answer: Any) -> tuple[int, bool, bool]:
    """Return how many accounts there are, and whether URLs and secrets are among what is shown."""
    text = str(answer.body)
    return len(answer.body), "sdkUrl" in text, "apiKey" in text


ROWS = (
    Row(
        "searchServiceAccountsInPortfolio",
        search,
        {MEMBERS: (200, (1, False, False))},
        refused=(200, (0, False, False)),
        shows=found,
    ),
    Row(
        "searchServiceAccountsInPortfolio",
        search_urls,
        {SEES_KEYS: (200, (1, True, False)), MEMBERS: (200, (1, False, False))},
        refused=(200, (0, False, False)),
        variant="with SDK URLs",
        shows=found,
    ),
    Row("createServiceAccountInPortfolio", create, {ADMINS: 200}),
    Row("updateServiceAccountOnPortfolio", update, {ADMINS: 200}),
    Row("updateServiceAccount", update_by_id, {ADMINS: 200}),
    Row(
        "updateServiceAccount",
        update_by_id_elsewhere,
        {ADMINS: 200},
        variant="with another portfolio in the body",
    ),
    Row("getServiceAccount", get, {ADMINS: 200}),
    Row("deleteServiceAccount", delete, {ADMINS: 200}),
    Row("resetApiKey", reset, {ADMINS: 200}),
)
