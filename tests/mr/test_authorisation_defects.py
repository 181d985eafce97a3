"""The defects of upstream's authorisation, by their numbers in section 4.6: none of them is here.

The numbers that are missing are about operations that are not there yet, or are tested beside them.
"""

import pytest
from prometheus_client import CollectorRegistry

from fh.http.truth_api import truth_routes
from fh.mr.event_log import DatabaseEventLog
from fh.mr.http.app import create_mr_app
from fh.mr.snapshots import DatabaseTruth
from tests.mr.conftest import QUICK_PASSWORDS
from tests.mr.matrix.world import NO_ID, Ask, Who, build_world


@pytest.fixture
async def world(superuser, sql):
    return await build_world(superuser, sql)


@pytest.mark.parametrize("query", ["", "&applicationId={application}"])
async def test_1_no_sdk_url_for_those_who_hold_less_than_the_account(world, query):
    account = await world.add_account()
    more = query.format(application=world.application)
    path = f"/mr-api/portfolio/{world.portfolio}/service-account?includeSdkUrls=true{more}"
    for who in (Who.NOBODY, Who.OTHER_ADMIN, Who.ARCHIVED, Who.IDLE_ROBOT):
        assert (await world.ask(who, Ask("GET", path))).body == []
    for who in (Who.MEMBER, Who.ENV_READ, Who.ENV_CHANGE_VALUE, Who.APP_FEATURE_EDIT):
        answer = await world.ask(who, Ask("GET", path))
        assert [each["name"] for each in answer.body] == [account["name"]]
        assert "sdkUrl" not in str(answer.body)
        assert account["apiKeyServerSide"] not in str(answer.body)
    for who in (Who.ENV_EXTENDED_DATA, Who.PORTFOLIO_ADMIN):
        shown = (await world.ask(who, Ask("GET", path))).body[0]["permissions"][0]
        assert shown["sdkUrlServerEval"].endswith(account["apiKeyServerSide"])


async def test_4_the_account_in_the_path_decides_not_the_portfolio_in_the_body(world):
    account = await world.add_account()
    path = f"/mr-api/service-account/{account['id']}"
    foreign = account | {"name": "taken over", "portfolioId": world.other_portfolio}
    assert (await world.ask(Who.OTHER_ADMIN, Ask("PUT", path, foreign))).status == 403
    mine = await world.api(
        "POST", f"/mr-api/portfolio/{world.other_portfolio}/service-account", {"name": "mine"}
    )
    swapped = account | {"id": mine.body["id"], "portfolioId": world.other_portfolio}
    assert (await world.ask(Who.OTHER_ADMIN, Ask("PUT", path, swapped))).status in {400, 403}
    below = f"/mr-api/portfolio/{world.other_portfolio}/service-account"
    assert (await world.ask(Who.OTHER_ADMIN, Ask("PUT", below, account))).status == 404
    assert (await world.api("GET", path)).body["name"] == account["name"]


async def test_5_nobody_is_placed_in_groups_of_others(world):
    for who, groups, status in (
        (Who.PORTFOLIO_ADMIN, [world.superusers], 403),
        (Who.PORTFOLIO_ADMIN, [world.other_admins], 403),
        (Who.PORTFOLIO_ADMIN, [world.admins, world.superusers], 403),
        (Who.PORTFOLIO_ADMIN, [NO_ID], 403),
        (Who.OTHER_ADMIN, [world.admins], 403),
        (Who.PORTFOLIO_ADMIN, [world.admins], 200),
        (Who.SUPERUSER, [world.superusers], 200),
    ):
        for body in (
            {"email": f"{world.name()}@i.com", "personType": "person"},
            {"name": world.name(), "personType": "serviceAccount"},
        ):
            ask = Ask("POST", "/mr-api/person", body | {"groupIds": groups})
            assert (await world.ask(who, ask)).status == status


async def test_6_only_superusers_touch_superusers(world):
    root = await world.add_person(world.superusers)
    robot = await world.add_person(world.superusers, kind="serviceAccount")
    [row] = await world.sql("SELECT email FROM person WHERE id = $1", root)
    password = {"password": "temporary", "reactivate": True}
    asks = [
        Ask("PUT", f"/mr-api/authentication/{root}/resetPassword", password),
        Ask("PUT", f"/mr-api/person/{root}", {"version": 1, "email": "x@i.com"}),
        Ask("PUT", f"/mr-api/person/{root}/v2", {"version": 1, "email": "x@i.com"}),
        Ask("PUT", f"/mr-api/person/{root}/v2", {"version": 1, "unarchive": True}),
        Ask("PUT", f"/mr-api/person/{robot}/v2", {"version": 1, "name": "x"}),
        Ask("POST", f"/mr-api/person/{robot}/token-reset"),
        Ask("DELETE", f"/mr-api/person/{root}"),
    ]
    for who in (Who.PORTFOLIO_ADMIN, Who.ROBOT_ADMIN, Who.OTHER_ADMIN):
        for ask in asks:
            assert (await world.ask(who, ask)).status == 403, ask
    # Deactivated, they are superusers still: whoever revives one becomes one.
    await world.sql("UPDATE person SET when_archived = now() WHERE id = ANY ($1)", [root, robot])
    invitation = Ask("POST", "/mr-api/person", {"email": row["email"], "personType": "person"})
    for ask in (asks[0], asks[3], invitation):
        assert (await world.ask(Who.PORTFOLIO_ADMIN, ask)).status == 403, ask
    assert (await world.ask(Who.SUPERUSER, invitation)).status == 200


async def test_7_environments_tell_no_secrets_to_mere_members(world):
    account = await world.add_account()
    for query in ("includeServiceAccounts=true", "includeSdkUrl=true", "includeDetails=true"):
        path = f"/mr-api/environment/{world.environment}?{query}"
        for who in (Who.MEMBER, Who.ENV_READ, Who.APP_FEATURE_EDIT):
            answer = await world.ask(who, Ask("GET", path))
            assert answer.status == 200
            assert account["apiKeyServerSide"] not in str(answer.body)
            assert account["apiKeyClientSide"] not in str(answer.body)
        for who in (Who.NOBODY, Who.OTHER_ADMIN, Who.ARCHIVED):
            assert (await world.ask(who, Ask("GET", path))).status == 403
    path = f"/mr-api/environment/{world.environment}?includeSdkUrl=true"
    shown = await world.ask(Who.PORTFOLIO_ADMIN, Ask("GET", path))
    assert account["apiKeyServerSide"] in str(shown.body)


async def test_8_a_cache_without_a_key_learns_nothing(world, database):
    account = await world.add_account()
    app = create_mr_app(
        database,
        QUICK_PASSWORDS,
        registry=CollectorRegistry(),
        name="x",
        more=truth_routes(DatabaseTruth(database), DatabaseEventLog(database), ["right"]),
    )

    async def status(path, **headers):
        return (await app.test_client().get(path, headers=headers)).status_code

    for path in (
        f"/dacha2/environment/{world.environment}",
        f"/dacha2/serviceAccount/{account['apiKeyServerSide']}",
    ):
        assert await status(path) == 403
        assert await status(path, key="wrong") == 403
        assert await status(path, key="right") == 200


async def test_10_archived_groups_give_nothing(world):
    value = await world.add_value()
    application = f"/mr-api/application/{world.application}"
    value_path = f"/mr-api/features/{world.environment}/feature/{value['key']}"
    asks = [
        Ask("GET", application),
        Ask("GET", f"{application}/features"),
        Ask("POST", f"{application}/features", {"key": "k", "name": "n", "valueType": "BOOLEAN"}),
        Ask("GET", f"/mr-api/features/{world.environment}"),
        Ask("PUT", value_path, value | {"valueString": "new"}),
        Ask("GET", f"/mr-api/environment/{world.environment}"),
        Ask("GET", f"/mr-api/portfolio/{world.portfolio}/group"),
    ]
    for ask in asks:
        assert (await world.ask(Who.ARCHIVED, ask)).status == 403, ask
    assert (await world.ask(Who.ARCHIVED, Ask("GET", "/mr-api/portfolio"))).body == []
    listed = await world.ask(Who.ARCHIVED, Ask("GET", f"{application}/environment"))
    assert listed.body == []
    own = Ask("GET", f"/mr-api/group/{world.groups[Who.ARCHIVED]}")
    assert (await world.ask(Who.ARCHIVED, own)).status == 404
    me = await world.ask(Who.ARCHIVED, Ask("GET", "/mr-api/person/self?includeAcls=true"))
    assert me.body["groups"] == []


async def test_10_archived_groups_of_admins_give_nothing_either(world):
    await world.sql(
        "UPDATE person_group SET when_archived = now() WHERE id = ANY ($1)",
        [world.admins, world.superusers],
    )
    for who in (Who.PORTFOLIO_ADMIN, Who.ROBOT_ADMIN):
        people = await world.ask(who, Ask("GET", "/mr-api/person"))
        assert people.status == 403
    portfolio = Ask("POST", "/mr-api/portfolio", {"name": "Third"})
    assert (await world.ask(Who.SUPERUSER, portfolio)).status == 403
    deletion = Ask("DELETE", f"/mr-api/application/{world.application}")
    assert (await world.ask(Who.PORTFOLIO_ADMIN, deletion)).status == 403
