from uuid import uuid4

import pytest


@pytest.fixture
def path(shop):
    return f"/mr-api/user-data/state/{shop.application}/hidden-environments"


NOTHING = {"environmentIds": [], "noneSelected": False}


async def test_at_first_nothing_is_chosen(shop, path):
    assert (await shop.api("GET", path)).body == NOTHING


async def test_what_was_chosen_is_kept_for_each_person_and_application(shop, path, member):
    api, group = member
    await shop.grant(group, ["READ"], environment=shop.production)
    chosen = {"environmentIds": [shop.production], "noneSelected": False}
    answer = await shop.api("POST", path, {"environmentIds": [shop.production]})
    assert (answer.status, answer.body) == (200, chosen)
    assert (await shop.api("GET", path)).body == chosen
    assert (await api("GET", path)).body == NOTHING
    none = {"environmentIds": [], "noneSelected": True}
    assert (await shop.api("POST", path, none)).body == none
    assert (await shop.api("GET", path)).body == none


async def test_an_empty_choice_is_forgotten(shop, path, sql):
    await shop.api("POST", path, {"environmentIds": [shop.production]})
    assert (await shop.api("POST", path, {"environmentIds": []})).body == NOTHING
    assert (await sql("SELECT count(*) FROM hidden_environments"))[0][0] == 0


async def test_unknown_and_too_many_environments_are_refused_in_plain_text(
    shop, path, reconfigured
):
    other = await shop.add_environment("other")
    answer = await shop.api("POST", path, {"environmentIds": [str(uuid4())]})
    assert answer.status == 422
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert b"environment" in answer.body
    strict = reconfigured(most_hidden_environments=1)
    two = {"environmentIds": [shop.production, other["id"]]}
    answer = await strict("POST", path, two)
    assert (answer.status, b"At most 1" in answer.body) == (422, True)
    assert (await shop.api("POST", path, two)).status == 200


async def test_environments_of_any_application_are_accepted(shop, path):
    made = await shop.api(
        "POST",
        f"/mr-api/portfolio/{shop.portfolio}/application?includeEnvironments=true",
        {"name": "Other", "description": ""},
    )
    foreign = made.body["environments"][0]["id"]
    assert (await shop.api("POST", path, {"environmentIds": [foreign]})).status == 200


async def test_only_readers_of_the_application(shop, path, member):
    api, _group = member
    assert (await api("GET", path)).status == 403
    assert (await api("POST", path, NOTHING)).status == 403
    unknown = f"/mr-api/user-data/state/{uuid4()}/hidden-environments"
    assert (await shop.api("GET", unknown)).status == 404
    assert (await shop.api("POST", unknown, NOTHING)).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"environmentIds": "x"}, "environmentIds"),
        ({"environmentIds": ["x"]}, "environmentIds[0]"),
        ({"noneSelected": "yes"}, "noneSelected"),
    ],
)
async def test_bad_members_are_named(shop, path, body, field):
    answer = await shop.api("POST", path, body)
    assert (answer.status, answer.body["field"].split("[")[0]) == (400, field.split("[")[0])
