from uuid import uuid4

import pytest

from fh.contracts.published import PublishAction
from fh.db.errors import DatabaseUnavailable
from fh.mr.snapshots import DatabaseTruth


class AwayDatabase:
    async def transaction(self, work, *, read_only=False):
        raise DatabaseUnavailable("away for the test")


@pytest.fixture
async def ids(superuser):
    """An application's environment with a feature and an account, as the API made them."""
    portfolio = (await superuser("GET", "/mr-api/portfolio")).body[0]["id"]
    application = await superuser(
        "POST",
        f"/mr-api/portfolio/{portfolio}/application?includeEnvironments=true",
        {"name": "Shop", "description": ""},
    )
    [environment] = application.body["environments"]
    await superuser(
        "POST",
        f"/mr-api/application/{application.body['id']}/features",
        {"key": "dark-mode", "name": "Dark mode", "valueType": "BOOLEAN"},
    )
    account = await superuser(
        "POST",
        f"/mr-api/portfolio/{portfolio}/service-account",
        {
            "name": "sdk",
            "permissions": [{"environmentId": environment["id"], "permissions": ["LOCK"]}],
        },
    )
    return {
        "portfolio": portfolio,
        "application": application.body["id"],
        "environment": environment["id"],
        "account": account.body,
    }


@pytest.fixture
def truth(database) -> DatabaseTruth:
    return DatabaseTruth(database)


async def test_an_environment_comes_with_its_features_and_accounts(truth, ids):
    found = await truth.load_environment(ids["environment"])
    assert found is not None
    assert found.action is PublishAction.CREATE
    assert str(found.application_id) == ids["application"]
    assert str(found.portfolio_id) == ids["portfolio"]
    [feature] = found.features
    assert feature.feature.key == "dark-mode"
    assert feature.value is not None
    assert bytes(feature.value.value) == b"false"
    assert [str(one) for one in found.service_accounts] == [ids["account"]["id"]]


@pytest.mark.parametrize("secret", ["apiKeyServerSide", "apiKeyClientSide"])
async def test_an_account_is_found_by_either_secret(truth, ids, secret):
    found = await truth.load_account(ids["account"][secret])
    assert found is not None
    assert str(found.id) == ids["account"]["id"]
    [permission] = found.permissions
    assert str(permission.environment_id) == ids["environment"]
    assert set(permission.permissions) == {"READ", "LOCK"}


async def test_what_is_unknown_is_none(truth):
    assert await truth.load_environment(uuid4()) is None
    assert await truth.load_account("x" * 40) is None


@pytest.mark.parametrize("secret", ["", "\0", "\ud800", "é" * 10, "x" * 101, "x" * 10_000_000])
async def test_what_can_be_no_secret_is_none(truth, secret):
    assert await truth.load_account(secret) is None


async def test_what_is_archived_is_none(truth, ids, superuser):
    await superuser("DELETE", f"/mr-api/environment/{ids['environment']}")
    assert await truth.load_environment(ids["environment"]) is None
    found = await truth.load_account(ids["account"]["apiKeyServerSide"])
    assert found is not None
    assert found.permissions == ()
    await superuser("DELETE", f"/mr-api/service-account/{ids['account']['id']}")
    assert await truth.load_account(ids["account"]["apiKeyServerSide"]) is None


@pytest.mark.parametrize("table", ["application", "portfolio"])
async def test_an_environment_ends_with_what_it_belongs_to(truth, ids, sql, table):
    await sql(f"UPDATE {table} SET when_archived = now() WHERE id = $1", ids[table])
    assert await truth.load_environment(ids["environment"]) is None


async def test_what_is_unpublished_is_none(truth, ids, sql):
    await sql("UPDATE environment SET when_unpublished = now()")
    assert await truth.load_environment(ids["environment"]) is None
    found = await truth.load_account(ids["account"]["apiKeyServerSide"])
    assert found is not None
    assert found.permissions == ()
    await sql("UPDATE service_account SET when_unpublished = now()")
    assert await truth.load_account(ids["account"]["apiKeyServerSide"]) is None


async def test_a_database_that_is_away_is_no_answer():
    truth = DatabaseTruth(AwayDatabase())
    with pytest.raises(DatabaseUnavailable):
        await truth.load_environment(uuid4())
    with pytest.raises(DatabaseUnavailable):
        await truth.load_account("x" * 40)
