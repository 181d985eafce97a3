from uuid import uuid4

import pytest

PATH = "/mr-api/dacha1/cache"


@pytest.fixture
async def world(shop):
    """The shop with two features and an account, and another portfolio with an application."""
    await shop.add_feature("dark-mode")
    await shop.add_feature("title", "STRING")
    accounts = f"/mr-api/portfolio/{shop.portfolio}/service-account"
    await shop.api("POST", accounts, {"name": "web", "description": "", "permissions": []})
    body = {"name": "Other", "description": ""}
    other = (await shop.api("POST", "/mr-api/portfolio", body)).body["id"]
    await shop.api("POST", f"/mr-api/portfolio/{other}/application", body)
    await shop.announced()
    return shop


def _counts(answer):
    return [
        answer.body[f"{what}Refreshed"]
        for what in ("portfolios", "applications", "environments", "serviceAccounts")
    ]


async def test_an_application_is_told_with_its_environments(world):
    test = await world.add_environment("test")
    await world.announced()

    answer = await world.api("POST", PATH, {"applicationId": [world.application]})

    assert answer.status == 200
    assert _counts(answer) == [0, 1, 2, 0]
    told = await world.announced()
    assert {kind for kind, _ in told} == {"environment"}
    assert {one["environment"]["id"] for _, one in told} == {world.production, test["id"]}
    for _, one in told:
        assert one["action"] == "UPDATE"
        assert {each["feature"]["key"] for each in one["fv"]} == {"dark-mode", "title"}


async def test_a_portfolio_is_told_with_its_accounts(world):
    answer = await world.api("POST", PATH, {"portfolioId": [world.portfolio]})

    assert _counts(answer) == [1, 1, 1, 1]
    told = await world.announced()
    assert [kind for kind, _ in told] == ["service-account", "environment"]
    assert [one["action"] for _, one in told] == ["UPDATE", "UPDATE"]


@pytest.mark.parametrize("flag", [True, False])
async def test_everything_is_told_as_created(world, flag):
    answer = await world.api("POST", PATH, {"allTheThings": flag})

    assert _counts(answer) == [2, 2, 2, 1]
    told = await world.announced()
    assert sorted(kind for kind, _ in told) == ["environment", "environment", "service-account"]
    assert {one["action"] for _, one in told} == {"CREATE"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"allTheThings": None, "applicationId": None, "portfolioId": None},
        {"applicationId": [str(uuid4())], "portfolioId": [str(uuid4())]},
    ],
)
async def test_nothing_known_is_told_of_nothing(world, body):
    answer = await world.api("POST", PATH, body)
    assert _counts(answer) == [0, 0, 0, 0]
    assert await world.announced() == []


async def test_what_is_archived_stays_untold(world):
    await world.api("DELETE", f"/mr-api/application/{world.application}")
    await world.announced()
    answer = await world.api("POST", PATH, {"portfolioId": [world.portfolio]})
    assert _counts(answer) == [1, 0, 0, 1]
    assert [kind for kind, _ in await world.announced()] == ["service-account"]
