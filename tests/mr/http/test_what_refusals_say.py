"""Whoever wrote much at once reads what of it stands in the way, and where."""

import pytest


@pytest.fixture
async def values(shop):
    """A text with a value in two environments, by their names."""
    await shop.add_environment("test")
    await shop.add_feature("title", "STRING")
    everywhere = f"/mr-api/application/{shop.application}/feature-environments/title"
    listed = (await shop.api("GET", everywhere)).body
    sent = [
        {
            "key": "title",
            "environmentId": one["environment"]["id"],
            "locked": False,
            "valueString": "a",
        }
        for one in listed
    ]
    saved = await shop.api("PUT", everywhere, sent)
    return {one["environment"]["name"]: one["featureValue"] for one in saved.body}


@pytest.fixture
def everywhere(shop) -> str:
    return f"/mr-api/application/{shop.application}/feature-environments/title"


def _without(body: dict, *names: str) -> dict:
    return {name: value for name, value in body.items() if name not in names}


async def test_which_key_is_unknown(shop, values):
    sent = [values["production"], {"key": "unknown", "locked": False}]
    answer = await shop.api("PUT", f"/mr-api/features/{shop.production}", sent)
    assert (answer.status, answer.body["detail"]) == (404, "There is no such feature: unknown.")


@pytest.mark.parametrize(
    ("stale", "detail"),
    [
        (
            {"version": 7},
            "The feature value of title in test was changed since you read it.",
        ),
        (
            {"version": 1, "valueString": "mine"},
            "The value of title in test was changed since you read it.",
        ),
        (
            {"version": None},
            "Send the version that you read. The feature value of title in test is there already.",
        ),
    ],
    ids=["never was", "changed", "missing"],
)
async def test_which_value_was_changed_and_where(shop, values, everywhere, stale, detail):
    theirs = {**values["test"], "valueString": "theirs"}
    assert (await shop.api("PUT", everywhere, [theirs])).status == 200
    mine = {**values["test"], **stale}
    in_test = f"/mr-api/features/{mine['environmentId']}"
    for path in (everywhere, in_test):
        answer = await shop.api("PUT", path, [mine])
        assert (answer.status, answer.body["detail"]) == (409, detail)


async def test_where_a_value_is_locked(shop, values, everywhere):
    locked = await shop.api("PUT", everywhere, [{**values["test"], "locked": True}])
    now = {one["environment"]["name"]: one["featureValue"] for one in locked.body}
    sent = [{**one, "valueString": "b"} for one in now.values()]
    answer = await shop.api("PUT", everywhere, sent)
    assert (answer.status, answer.body["detail"]) == (400, "The feature title is locked in test.")


async def test_where_a_value_has_no_place(shop, values, everywhere):
    sent = [values["production"], _without(values["test"], "environmentId")]
    answer = await shop.api("PUT", everywhere, sent)
    assert (answer.status, answer.body["field"]) == (400, "[1].environmentId")


async def test_which_key_is_taken(shop, values):
    other = await shop.add_feature("other")
    path = f"{shop.features_path}/other"
    answer = await shop.api("PUT", path, {**other, "key": "title"})
    assert (answer.status, answer.body["field"]) == (409, "key")
    assert answer.body["detail"] == "There is already such a feature: title."


async def test_a_version_that_is_missing_is_asked_for(shop, values):
    feature = (await shop.api("GET", f"{shop.features_path}/title")).body
    application = (await shop.api("GET", f"/mr-api/application/{shop.application}")).body
    environment = (await shop.api("GET", f"/mr-api/environment/{shop.production}")).body
    account = await shop.add_account()
    for path, body in (
        (f"{shop.features_path}/title", feature),
        (f"/mr-api/application/{shop.application}", application),
        (f"/mr-api/environment/{shop.production}", environment),
        (f"/mr-api/portfolio/{shop.portfolio}/service-account", account),
    ):
        missing = await shop.api("PUT", path, _without(body, "version"))
        stale = await shop.api("PUT", path, {**body, "version": 99})
        assert missing.status == stale.status, path
        assert missing.body["detail"].startswith("Send the version that you read."), path
        assert stale.body["detail"].endswith("was changed since you read it."), path
