"""What a bench writes into the database is what MR would have written."""

import pytest

from bench.deployment.contents import TEXT_FEATURE, Contents, fill
from fh.contracts.published import PublishAction
from fh.model.feature_type import FeatureType
from fh.mr.repositories.published_accounts import load_account_by_secret
from fh.mr.repositories.publishing import load_published_environment

pytestmark = pytest.mark.postgres


@pytest.fixture
async def contents(database) -> Contents:
    await database.transaction(
        lambda tx: tx.execute("INSERT INTO organisation (name) VALUES ('Bench')")
    )
    return await database.transaction(lambda tx: fill(tx, "some", 7, 6))


async def test_each_key_opens_an_environment_with_all_features(database, contents) -> None:
    assert len(set(contents.keys)) == 7
    assert contents.values == 42
    for key in contents.keys:
        published = await database.transaction(
            lambda tx, key=key: load_published_environment(
                tx, key.environment_id, PublishAction.CREATE
            )
        )
        features = {each.feature.key: each for each in published.features}
        assert len(features) == 6
        assert features[TEXT_FEATURE].feature.value_type is FeatureType.STRING
        assert len([each for each in features.values() if each.value.rollout_strategies]) == 2
        account = await database.transaction(
            lambda tx, key=key: load_account_by_secret(tx, key.secret)
        )
        [permission] = account.service_account.permissions
        assert permission.environment_id == key.environment_id


async def test_another_filling_is_beside_the_first(database, contents) -> None:
    other = await database.transaction(lambda tx: fill(tx, "other", 3, 4))
    assert len(other.keys) == 3
    assert not set(other.keys) & set(contents.keys)
