import msgspec
import pytest

from fh.contracts.published import PublishAction, encode_published
from fh.mr.repositories import publishing as repository


@pytest.fixture
def load(database):
    async def run(function, *args):
        return await database.transaction(lambda tx: function(tx, *args))

    return run


def _json(event):
    return msgspec.json.decode(encode_published(event))


async def test_a_feature_without_a_row_carries_no_value(load, place):
    event = await load(repository.load_published_environment, place.environment)
    [feature] = _json(event)["fv"]
    assert feature["feature"]["key"] == "title"
    assert "value" not in feature


async def test_a_value_is_published_with_its_strategies_in_order(load, place, sql):
    await sql(
        "INSERT INTO feature_value (environment_id, feature_id, default_value, locked, retired, "
        "rollout_strategies, who_updated) SELECT $1, f.id, 'x', true, true, "
        '\'[{"id":"b","name":"n","value":"1"},{"value":"2"}]\', p.id FROM feature f, person p',
        place.environment,
    )
    event = await load(repository.load_published_environment, place.environment)
    value = _json(event)["fv"][0]["value"]
    assert (value["locked"], value["retired"], value["value"]) == (True, True, "x")
    assert [(one["id"], one["value"]) for one in value["rolloutStrategies"]] == [
        ("b", "1"),
        ("rs-id", "2"),
    ]
    assert value["pId"] == str(place.caller.person_id)


@pytest.mark.parametrize("column", ["when_archived", "when_unpublished"])
async def test_hidden_environments_are_not_published(load, place, sql, column):
    [feature] = await sql("SELECT id FROM feature")
    await sql(f"UPDATE environment SET {column} = now()")
    assert await load(repository.load_published_environment, place.environment) is None
    assert await load(repository.load_published_feature, place.environment, feature["id"]) is None
    events = await load(repository.load_features_everywhere, [feature["id"]], PublishAction.CREATE)
    assert events == []


async def test_webhook_information_is_published_where_there_is_any(load, place, sql):
    event = await load(repository.load_published_environment, place.environment)
    assert "wInfo" not in _json(event)["environment"]
    await sql('UPDATE environment SET webhook_info = \'{"url": "x"}\'')
    event = await load(repository.load_published_environment, place.environment)
    assert _json(event)["environment"]["wInfo"] == {"url": "x"}


async def test_archived_accounts_are_not_listed(load, place, sql):
    await sql(
        "WITH account AS (INSERT INTO service_account (portfolio_id, name, api_key_server_side, "
        "api_key_client_side, sdk_person_id, who_created) "
        "SELECT $1, n, n, n || '*', p.id, p.id FROM person p, (VALUES ('a'), ('b')) AS v (n) "
        "RETURNING id) INSERT INTO service_account_permission "
        "SELECT gen_random_uuid(), id, $2, '{READ}' FROM account",
        place.portfolio,
        place.environment,
    )
    await sql("UPDATE service_account SET when_archived = now() WHERE name = 'b'")
    [live] = await sql("SELECT id FROM service_account WHERE name = 'a'")
    event = await load(repository.load_published_environment, place.environment)
    assert event.service_accounts == (live["id"],)
