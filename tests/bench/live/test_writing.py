import trio

from bench.live.admin import open_admin
from bench.live.writing import write_all, writing


async def test_changes_are_made_until_the_block_ends_and_none_after_it(party_server):
    places = [(party_server.environments[1].id, "FEATURE_1")]
    async with open_admin(party_server.server.admin_url, party_server.token) as admin:
        before = (await admin.versions(places[0][0]))["FEATURE_1"]
        with trio.fail_after(60):
            async with writing(admin, places, 1_000) as written:
                while written.changes < 3:  # noqa: ASYNC110  changes come at their own pace
                    await trio.sleep(0.01)
        assert written.refused == []
        assert len(written.answer_seconds) == written.changes
        after = (await admin.versions(places[0][0]))["FEATURE_1"]
        assert after - before == written.changes


async def test_every_place_is_changed_once(party_server):
    places = [(each.id, "FEATURE_1") for each in party_server.environments]
    async with open_admin(party_server.server.admin_url, party_server.token) as admin:
        before = [(await admin.versions(place))["FEATURE_1"] for place, _ in places]
        written = await write_all(admin, places, at_once=2)
        after = [(await admin.versions(place))["FEATURE_1"] for place, _ in places]
    assert written.changes == 2
    assert after == [version + 1 for version in before]


async def test_what_is_refused_is_noted_and_not_counted(party_server):
    async with open_admin(party_server.server.admin_url, party_server.token) as admin:
        written = await write_all(admin, [(party_server.environments[0].id, "NO_SUCH")], at_once=1)
    assert written.changes == 0
    assert "404" in written.refused[0]
