"""The browser SDK in Chromium, on a page from another origin: what only browsers do."""

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party
from tests.e2e.sdk_process import Mode
from tests.e2e.sdks import InstalledSdk
from tests.e2e.traffic import blocked, exchanges, streams, wait_exchange

pytestmark = pytest.mark.e2e

FRED = {"userkey": ["fred"]}
IN_SOUTH = {"town": ["Köln, Süd 🚩"]}


def strategy_for(name: str, value: str, conditional: str, wanted: str) -> dict[str, object]:
    condition = {
        "conditional": conditional,
        "fieldName": name,
        "type": "STRING",
        "values": [wanted],
    }
    return {"name": value, "value": value, "attributes": [condition]}


@pytest.mark.parametrize("evaluation", ["client", "server"])
def test_polls_ask_for_leave_and_are_answered_304_while_nothing_changes(
    party: Party, project: Project, browser_sdk: InstalledSdk, evaluation: str
) -> None:
    project.create("text", "STRING", "one")
    kind = Kind(browser_sdk, Mode.POLL, evaluation)
    with kind.connect(party, project, context=FRED) as sdk:
        sdk.wait_value("text", "one")
        old = wait_exchange(sdk, "a 304", lambda each: each.status == 304).asked["if-none-match"]
        project.save("text", valueString="two")
        sdk.wait_value("text", "two")
        wait_exchange(
            sdk,
            "a 304 with the new etag",
            lambda each: each.status == 304 and each.asked["if-none-match"] != old,
        )
        polls, preflights = exchanges(sdk), exchanges(sdk, "OPTIONS")
        assert not blocked(sdk)

    own_headers = {"content-type", "if-none-match"}
    if evaluation == "server":
        own_headers.add("x-featurehub")
        assert {poll.asked["x-featurehub"] for poll in polls} == {"userkey=fred"}
    asked_for = {each.asked["access-control-request-headers"] for each in preflights}
    assert own_headers == {name for names in asked_for for name in names.split(",")}
    assert {each.status for each in preflights} <= {200, None}
    etags = {poll.answered["etag"] for poll in polls if poll.status == 200}
    assert {poll.asked["if-none-match"] for poll in polls if poll.status == 304} <= etags
    # A page elsewhere, whose requests say so.
    assert {poll.asked["origin"] for poll in polls} != {party.server.url}


def test_a_stream_needs_no_preflight(
    party: Party, project: Project, browser_sdk: InstalledSdk
) -> None:
    project.create("text", "STRING", "one")
    with Kind(browser_sdk, Mode.SSE, "client").connect(party, project) as sdk:
        sdk.wait_value("text", "one")
        project.save("text", valueString="two")
        sdk.wait_value("text", "two")
        (stream,) = streams(sdk)
        assert not exchanges(sdk, "OPTIONS")
        assert not blocked(sdk)
    assert stream.status == 200
    assert stream.answered["access-control-allow-origin"] == "*"
    assert "last-event-id" not in stream.asked


def test_a_streams_context_is_in_its_query_encoded_twice(
    party: Party, project: Project, browser_sdk: InstalledSdk
) -> None:
    project.create("text", "STRING", "for all")
    project.save("text", rolloutStrategies=[strategy_for("town", "south", "ENDS_WITH", "Süd 🚩")])
    kind = Kind(browser_sdk, Mode.SSE, "server")
    with kind.connect(party, project, context=IN_SOUTH) as sdk:
        sdk.wait_value("text", "south")
        (stream,) = streams(sdk)
    _, _, query = stream.url.partition("?")
    assert query == "xfeaturehub=town=K%25C3%25B6ln%252C%2520S%25C3%25BCd%2520%25F0%259F%259A%25A9"
    assert "x-featurehub" not in stream.asked


def test_another_context_is_another_stream(
    party: Party, project: Project, browser_sdk: InstalledSdk
) -> None:
    project.create("text", "STRING", "for all")
    project.save(
        "text",
        rolloutStrategies=[
            strategy_for("town", "south", "ENDS_WITH", "Süd 🚩"),
            strategy_for("userkey", "for fred", "EQUALS", "fred"),
        ],
    )
    kind = Kind(browser_sdk, Mode.SSE, "server")
    with kind.connect(party, project, context=IN_SOUTH) as sdk:
        sdk.wait_value("text", "south")
        sdk.set_context(**FRED)
        sdk.wait_value("text", "for fred")
        sdk.wait_for("the second stream", lambda: len(streams(sdk)) == 2)
        project.save("text", valueString="for all others")
        sdk.set_context(userkey=["mary"])
        sdk.wait_value("text", "for all others")
        sdk.wait_for("the third stream", lambda: len(streams(sdk)) == 3)
        _, second, third = streams(sdk)
        sdk.wait_ready()
    assert second.url.endswith("?xfeaturehub=userkey=fred")
    assert third.url.endswith("?xfeaturehub=userkey=mary")
    # A stream of a new context begins anew: what another context saw last says nothing of it.
    assert "last-event-id" not in second.asked
