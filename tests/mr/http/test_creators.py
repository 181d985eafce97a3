"""Who created something is shown with it, to those who may see it."""

import pytest

from tests.mr.http.people import add_portfolio, admin_group, identifier, superusers_group


@pytest.fixture
async def paula(superuser, add_person):
    """An admin of the first portfolio, with a name."""
    return await add_person("paula@i.com", (await admin_group(superuser),))


async def test_what_was_created_names_who_did_it(shop, paula):
    creator = {
        "id": {"id": await identifier(paula)},
        "name": (await paula("GET", "/mr-api/person/self")).body["name"],
        "email": "paula@i.com",
        "groups": [],
        "additional": [],
    }
    below = f"/mr-api/portfolio/{shop.portfolio}"
    group = (await paula("POST", f"{below}/group", {"name": "devs"})).body
    created = {"name": "Second", "description": ""}
    application = (await paula("POST", f"{below}/application", created)).body
    assert group["createdBy"] == application["createdBy"] == creator
    renamed = await shop.api(
        "PUT", f"/mr-api/application/{application['id']}", {**application, "name": "Third"}
    )
    everything = "includeGroups=true&includeApplications=true"
    portfolio = (await shop.api("GET", f"{below}?{everything}")).body
    listed = (await shop.api("GET", f"{below}/application")).body
    shown = [
        (await shop.api("GET", f"/mr-api/group/{group['id']}")).body,
        (await shop.api("GET", f"/mr-api/application/{application['id']}")).body,
        next(one for one in (await shop.api("GET", f"{below}/group")).body if one == group),
        next(one for one in listed if one["id"] == application["id"]),
        next(one for one in portfolio["groups"] if one["id"] == group["id"]),
        next(one for one in portfolio["applications"] if one["id"] == application["id"]),
        renamed.body,
    ]
    assert [one["createdBy"] for one in shown] == [creator] * len(shown)
    assert portfolio["createdBy"]["email"] == "irina@i.com"


async def test_who_was_deactivated_is_still_named(superuser, add_person):
    groups = (await superusers_group(superuser),)
    gone = await add_person("gone@i.com", groups)
    portfolio, _ = await add_portfolio(gone, "Second")
    assert (await superuser("DELETE", f"/mr-api/person/{await identifier(gone)}")).body is True
    shown = (await superuser("GET", f"/mr-api/portfolio/{portfolio}")).body
    assert shown["createdBy"]["email"] == "gone@i.com"


async def test_strangers_are_not_told_who_set_it_up(stranger, superuser):
    told = (await stranger("GET", "/mr-api/initialize")).body["organization"]
    assert "createdBy" not in told["orgGroup"]
    group = (await superuser("GET", f"/mr-api/group/{told['orgGroup']['id']}")).body
    assert group["createdBy"]["email"] == "irina@i.com"
