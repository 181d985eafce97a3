import pytest

from bench.live.admin import AdminRefused, open_admin


async def test_environments_have_keys_features_and_values(party_server):
    async with open_admin(party_server.server.admin_url, party_server.token) as admin:
        made = await admin.make_environments(3, 1)
        assert len({each.id for each in made}) == 3
        assert "*" in made[0].client_key
        assert "*" not in made[0].server_key
        assert await admin.versions(made[0].id) == {"FEATURE_0": 1}
        assert await admin.text_features(made[0].id) == ["FEATURE_0"]


async def test_each_change_is_a_version_even_when_others_change_it_too(party_server):
    environment = party_server.environments[1].id
    url, token = party_server.server.admin_url, party_server.token
    async with open_admin(url, token) as one, open_admin(url, token) as other:
        first = await one.change(environment, "FEATURE_1", "a")
        assert await other.change(environment, "FEATURE_1", "b") == first + 1
        assert await one.change(environment, "FEATURE_1", "c") == first + 2
        assert (await other.versions(environment))["FEATURE_1"] == first + 2


async def test_what_is_refused_says_why(party_server):
    async with open_admin(party_server.server.admin_url, "nonsense") as admin:
        with pytest.raises(AdminRefused, match="401"):
            await admin.versions(party_server.environments[0].id)


async def test_the_superuser_logs_in_again(party_server):
    async with open_admin(party_server.server.admin_url) as admin:
        assert await admin.log_in()
        assert await admin.versions(party_server.environments[0].id)
