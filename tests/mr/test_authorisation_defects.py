"""The defects of upstream's authorisation, by their numbers in section 4.6: none is here."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from fh.config import Secret
from fh.http.truth_api import truth_routes
from fh.mr.event_log import DatabaseEventLog
from fh.mr.http.app import create_mr_app
from fh.mr.snapshots import DatabaseTruth
from tests.mr.conftest import QUICK_PASSWORDS, Api
from tests.mr.matrix.world import (
    ADMINS,
    ENVIRONMENT_HOLDERS,
    LOGGED_IN,
    MEMBERS,
    NO_ID,
    READERS,
    Ask,
    Who,
    build_world,
)


@pytest.fixture
async def world(superuser, sql):
    return await build_world(superuser, sql)


@pytest.fixture
def reconfigured(world, database):
    """Return everybody's clients of an MR with other settings."""

    def make(**changes):
        settings = replace(QUICK_PASSWORDS, **changes)
        app = create_mr_app(database, settings, registry=CollectorRegistry(), name="x")
        return {who: Api(app, client.token) for who, client in world.clients.items()}

    return make


async def add_foreign_environment(world):
    """Add an application with an environment to the other portfolio; return both."""
    path = f"/mr-api/portfolio/{world.other_portfolio}/application?includeEnvironments=true"
    made = await world.make("POST", path, {"name": world.name(), "description": ""})
    return made["id"], made["environments"][0]["id"]


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


async def test_2_asking_only_for_environments_of_others_gives_no_history(world):
    key = (await world.add_value())["key"]
    hidden = await world.add_environment()
    value = {"key": key, "locked": False, "valueString": "secret"}
    await world.make("POST", f"/mr-api/features/{hidden}/feature/{key}", value)
    _, foreign = await add_foreign_environment(world)
    path = f"/mr-api/application/{world.application}/feature-history"
    for who in (Who.ENV_READ, Who.ENV_EXTENDED_DATA):
        for asked in (hidden, foreign, NO_ID):
            answer = await world.ask(who, Ask("GET", f"{path}?environmentIds={asked}"))
            assert (answer.status, answer.body) == (200, {"max": 0, "items": []})
        for query in ("", f"?environmentIds={hidden}&environmentIds={world.environment}"):
            answer = await world.ask(who, Ask("GET", f"{path}{query}"))
            assert {item["envId"] for item in answer.body["items"]} == {world.environment}
            assert "secret" not in str(answer.body)
    everything = await world.ask(Who.PORTFOLIO_ADMIN, Ask("GET", path))
    assert "secret" in str(everything.body)
    for who in LOGGED_IN - ADMINS - ENVIRONMENT_HOLDERS:
        assert (await world.ask(who, Ask("GET", path))).status == 404, who


async def test_3_who_has_no_role_reads_no_strategies(world):
    application = f"/mr-api/application/{world.application}"
    made = await world.make("POST", f"{application}/strategy", {"name": "s", "percentage": 1})
    for path in (f"{application}/strategy", f"{application}/rollout-strategy/{made['id']}"):
        for who in LOGGED_IN:
            answer = await world.ask(who, Ask("GET", path))
            assert answer.status == (200 if who in READERS else 403), (who, path)


async def test_4_the_environment_in_the_path_decides_not_the_one_in_the_body(world):
    mine, own = await add_foreign_environment(world)
    target = f"/mr-api/environment/{world.environment}"
    before = await world.make("GET", f"{target}?includeDetails=true")
    body = {"name": "taken over", "version": 1}
    for place, identifier, statuses in (
        (target, world.environment, {403}),
        (target, own, {400}),
        (f"{target}/v2", own, {403}),
        (f"/mr-api/application/{world.application}/environment", own, {403}),
        (f"/mr-api/application/{mine}/environment", world.environment, {404}),
    ):
        answer = await world.ask(Who.OTHER_ADMIN, Ask("PUT", place, body | {"id": identifier}))
        assert answer.status in statuses, (place, answer)
    assert await world.make("GET", f"{target}?includeDetails=true") == before
    itself = Ask("PUT", f"/mr-api/environment/{own}", body | {"id": own})
    assert (await world.ask(Who.OTHER_ADMIN, itself)).status == 200


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


async def test_7_secrets_of_webhooks_are_opened_for_admins_only(world, reconfigured):
    clients = reconfigured(secrets_password=Secret("horse"), secrets_can_be_read=True)
    path, url = f"/mr-api/environment/{world.environment}", "https://hooks.example.com/s3cret"
    settings = {
        "webhook.features.endpoint": url,
        "webhook.features.encrypt": "webhook.features.endpoint",
    }
    body = {"version": 1, "webhookEnvironmentInfo": settings}
    assert (await clients[Who.SUPERUSER]("PUT", f"{path}/v2", body)).status == 200
    for who in LOGGED_IN:
        answer = await clients[who]("GET", f"{path}?includeDetails=true&decryptWebhookDetails=true")
        assert answer.status == (200 if who in MEMBERS else 403), who
        assert ("s3cret" in str(answer.body)) == (who in ADMINS), who


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


async def test_9_slack_is_redirected_only_where_an_operator_enabled_tests(world, reconfigured):
    ask = Ask("POST", "/mr-api/testing/slack-testing", {"slack-url": "http://localhost:3000/x"})
    for who in (Who.STRANGER, Who.PORTFOLIO_ADMIN, Who.SUPERUSER):
        assert (await world.ask(who, ask)).status == 404
    assert await world.sql("SELECT FROM system_config") == []
    enabled = reconfigured(testing_api_enabled=True)
    assert (await enabled[Who.STRANGER](*ask)).status == 200


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
        Ask("GET", f"/mr-api/portfolio/{world.portfolio}/feature-filter"),
        Ask("GET", f"{application}/strategy"),
        Ask("GET", f"{application}/feature-groups"),
        Ask("GET", f"{application}/summary"),
        Ask("GET", f"/mr-api/user-data/state/{world.application}/hidden-environments"),
    ]
    for ask in asks:
        assert (await world.ask(Who.ARCHIVED, ask)).status == 403, ask
    assert (await world.ask(Who.ARCHIVED, Ask("GET", "/mr-api/portfolio"))).body == []
    for hidden in ("all-feature-environment", "feature-history"):
        answer = await world.ask(Who.ARCHIVED, Ask("GET", f"{application}/{hidden}"))
        assert answer.status == 404, hidden
    held = await world.ask(Who.ARCHIVED, Ask("GET", f"{application}/permissions"))
    assert held.body == {"applicationRoles": [], "environments": []}
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
    dashboard = f"/mr-api/application/{world.application}/all-feature-environment"
    assert (await world.ask(Who.PORTFOLIO_ADMIN, Ask("GET", dashboard))).status == 404


async def test_10_one_live_group_gives_no_more_than_it_has_itself(world):
    """Somebody in an archived group with every role, and in one that may only read."""
    await world.add_value()
    await world.sql(
        "INSERT INTO group_member VALUES ($1, $2)",
        world.groups[Who.ENV_READ],
        world.people[Who.ARCHIVED],
    )
    path = f"/mr-api/application/{world.application}/all-feature-environment"
    [environment] = (await world.ask(Who.ARCHIVED, Ask("GET", path))).body["environments"]
    assert (environment["roles"], len(environment["features"])) == (["READ"], 1)
    features = f"/mr-api/application/{world.application}/features"
    body = {"key": "k", "name": "n", "valueType": "BOOLEAN"}
    assert (await world.ask(Who.ARCHIVED, Ask("POST", features, body))).status == 403


async def test_11_filters_stay_in_their_portfolio(world):
    ours = f"/mr-api/portfolio/{world.portfolio}/feature-filter"
    theirs = f"/mr-api/portfolio/{world.other_portfolio}/feature-filter"
    foreign = (await world.make("POST", theirs, {"name": "foreign"}))["id"]
    own = (await world.make("POST", ours, {"name": "own"}))["id"]
    feature, account = await world.add_feature(), await world.add_account()
    both = [foreign, own]
    path = f"/mr-api/application/{world.application}/features"
    labelled = Ask("PUT", path, feature | {"featureFilter": both})
    assert (await world.ask(Who.PORTFOLIO_ADMIN, labelled)).status == 200
    shown = await world.make("GET", f"{path}/{feature['key']}?includeFilters=true")
    assert shown["featureFilter"] == [own]
    path = f"/mr-api/portfolio/{world.portfolio}/service-account"
    changed = Ask("PUT", path, account | {"featureFilters": both})
    assert (await world.ask(Who.PORTFOLIO_ADMIN, changed)).body["featureFilters"] == [own]
    for kind in ("applications", "serviceaccounts"):
        query = f"matching/{kind}?filters={foreign}&filters={own}"
        found = (await world.ask(Who.PORTFOLIO_ADMIN, Ask("GET", f"{ours}/{query}"))).body
        assert [one["matchingFilters"] for one in found["matchingResults"]] == [
            [{"id": own, "name": "own"}]
        ]
        assert (await world.ask(Who.PORTFOLIO_ADMIN, Ask("GET", f"{theirs}/{query}"))).status == 403
        found = await world.ask(Who.OTHER_ADMIN, Ask("GET", f"{theirs}/{query}"))
        assert found.body == {"matchingResults": []}
