"""What FeatureHub's own acceptance suite does with people and groups, in its order.

Source: steps 2, 16, 17 and 18 of section C.1 of the admin contract.
"""

from tests.mr.http.people import admin_group, invite, register

HIGHEST_STATUS = 204


async def test_a_normal_user_gets_roles_in_an_environment(shop, stranger):
    api = shop.api
    me = (await api("GET", "/mr-api/person/self")).body["id"]["id"]
    invited = await invite(api, "normal@i.com", name="Normal")
    registered = await register(stranger, invited["token"], "normal@i.com")
    assert registered.status <= HIGHEST_STATUS
    entered = await stranger(
        "POST", "/mr-api/login", {"email": "normal@i.com", "password": "correct horse"}
    )
    normal = stranger.as_person(entered.body["accessToken"])
    who = (await normal("GET", "/mr-api/person/self")).body["id"]["id"]
    assert who == entered.body["person"]["id"]["id"] == invited["personId"]

    group = (
        await api("POST", f"/mr-api/portfolio/{shop.portfolio}/group", {"name": "normal people"})
    ).body
    joined = await api("POST", f"/mr-api/group/{group['id']}/person/{who}?includeMembers=true")
    assert who in [member["id"]["id"] for member in joined.body["members"]]

    # The whole group comes back, members, version and all, as it was read.
    read = (await api("GET", f"/mr-api/group/{group['id']}?includeMembers=true")).body
    read["environmentRoles"].append(
        {
            "environmentId": shop.production,
            "groupId": group["id"],
            "roles": ["READ", "EXTENDED_DATA"],
        }
    )
    changed = await api(
        "PUT",
        f"/mr-api/portfolio/{shop.portfolio}/v2/group?updateEnvironmentGroupRoles=true",
        read,
    )
    assert changed.status == 200
    account = await shop.add_account("sdk", **{f"e-{shop.production}": ["READ", "EXTENDED_DATA"]})
    found = await normal(
        "GET",
        f"/mr-api/portfolio/{shop.portfolio}/service-account"
        f"?filter={account['name']}&applicationId={shop.application}"
        "&includePermissions=true&includeSdkUrls=true",
    )
    assert found.body[0]["permissions"][0]["sdkUrlServerEval"]

    admins = await admin_group(api)
    await api("POST", f"/mr-api/group/{admins}/person/{who}")
    shown = (await api("GET", f"/mr-api/group/{admins}?includeMembersV2=true")).body
    assert shown["superMembers"] == [me]
    assert {member["id"] for member in shown["simpleMembers"]} == {me, who}
    assert (await api("DELETE", f"/mr-api/group/{admins}/person/{me}")).status == 404
    assert (await api("DELETE", f"/mr-api/group/{admins}/person/{who}")).status == 200
