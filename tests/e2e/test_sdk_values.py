"""What official SDKs see: first snapshots, changes, contexts, deletions."""

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party
from tests.e2e.sdk_process import Feature, Mode
from tests.e2e.wire import wait_polled

pytestmark = pytest.mark.e2e

TEXT = 'Grüße, 世界 - a "quoted" \\ text\nwith 🚩'
DOCUMENT = '{"limits": [1, 2.5], "name": "ünï"}'
FRED_ONLY = {
    "name": "fred",
    "value": "for fred",
    "attributes": [
        {
            "conditional": "EQUALS",
            "fieldName": "userkey",
            "type": "STRING",
            "values": ["fred"],
        }
    ],
}


def test_the_first_snapshot_is_right_for_all_types(
    party: Party, project: Project, kind: Kind
) -> None:
    project.create("flag", "BOOLEAN", True)
    project.create("text", "STRING", TEXT)
    project.create("number", "NUMBER", 3.25)
    project.create("document", "JSON", DOCUMENT)
    project.create("fresh_flag", "BOOLEAN")
    project.create("unset_text", "STRING")

    wait_polled(
        party.server.port,
        project.client_key,
        flag=True,
        text=TEXT,
        number=3.25,
        document=DOCUMENT,
        fresh_flag=False,
        unset_text=None,
    )

    with kind.connect(party, project) as sdk:
        sdk.wait_ready()
        features = sdk.snapshot()

    versions = {key: project.load(key)["version"] for key in ("flag", "text", "number", "document")}
    assert features == {
        "flag": Feature(versions["flag"], True, False, True, "BOOLEAN"),
        "text": Feature(versions["text"], TEXT, False, True, "STRING"),
        "number": Feature(versions["number"], 3.25, False, True, "NUMBER"),
        "document": Feature(versions["document"], DOCUMENT, False, True, "JSON"),
        "fresh_flag": Feature(1, False, True, True, "BOOLEAN"),
        "unset_text": Feature(0, None, False, True, "STRING"),
    }


def test_twenty_changes_arrive_in_order(party: Party, project: Project, kind: Kind) -> None:
    project.create("number", "NUMBER", 0)
    with kind.connect(party, project) as sdk:
        sdk.wait_ready()
        sdk.wait_value("number", 0)
        for value in range(1, 21):
            project.save("number", valueNumber=value)
        sdk.wait_value("number", 20)

        seen = [change.feature.value for change in sdk.changes if change.key == "number"]
        versions = sdk.versions("number")

    assert versions == sorted(set(versions))
    if kind.mode is Mode.SSE:
        assert seen == list(range(21))
    else:
        assert seen == sorted(seen)


def test_a_lock_and_a_new_feature_are_seen(party: Party, project: Project, kind: Kind) -> None:
    project.create("text", "STRING", "one")
    with kind.connect(party, project) as sdk:
        sdk.wait_value("text", "one")
        # The Python SDK compares versions and values only: a new value makes the lock visible.
        project.save("text", valueString="two", locked=True)
        project.create("late", "BOOLEAN", True)

        sdk.wait_value("text", "two")
        sdk.wait_value("late", True)
        assert sdk.features["text"].locked
        assert not sdk.features["late"].locked


def test_a_strategy_is_applied_for_the_context_it_names(
    party: Party, project: Project, kind: Kind
) -> None:
    project.create("text", "STRING", "for all")
    project.save("text", rolloutStrategies=[FRED_ONLY])

    with kind.connect(party, project) as sdk:
        # The version that has the strategy.
        sdk.wait_for("the strategy", lambda: sdk.versions("text")[-1:] == [2])
        sdk.wait_value("text", "for all")
        sdk.set_context(userkey=["fred"])
        if kind.evaluation == "client" or kind.sends_context:
            sdk.wait_value("text", "for fred", 5)
            sdk.set_context(userkey=["mary"])
        # The Python SDK's stream with a server-evaluated key knows no context at all.
        sdk.wait_value("text", "for all", 5)


def test_a_retired_feature_goes_and_comes_back(party: Party, project: Project, kind: Kind) -> None:
    project.create("text", "STRING", "one")
    project.create("other", "STRING", "stays")
    with kind.connect(party, project) as sdk:
        sdk.wait_value("text", "one")
        project.save("text", retired=True)
        if kind.mode is Mode.SSE or kind.notices_absence:
            sdk.wait_gone("text")
        else:
            # The Python SDK keeps what a poll no longer lists; one that starts now has none of it.
            wait_polled(party.server.port, project.client_key, other="stays")
            with kind.connect(party, project) as newcomer:
                newcomer.wait_ready()
                assert set(newcomer.snapshot()) == {"other"}

        project.save("text", retired=False, valueString="two")
        sdk.wait_value("text", "two")
        assert sdk.features["other"].value == "stays"


def test_a_deleted_feature_goes(party: Party, project: Project, kind: Kind) -> None:
    project.create("text", "STRING", "one")
    project.create("other", "STRING", "stays")
    with kind.connect(party, project) as sdk:
        sdk.wait_value("text", "one")
        project.delete("text")
        if kind.mode is Mode.SSE or kind.notices_absence:
            sdk.wait_gone("text")
        wait_polled(party.server.port, project.client_key, other="stays")
        with kind.connect(party, project) as newcomer:
            newcomer.wait_ready()
            assert set(newcomer.snapshot()) == {"other"}
        assert sdk.features["other"].value == "stays"


def test_a_feature_with_a_new_key_is_gone_under_the_old_one(
    party: Party, project: Project, kind: Kind
) -> None:
    project.create("old_text", "STRING", "one")
    project.create("other", "STRING", "stays")
    with kind.connect(party, project) as sdk:
        sdk.wait_value("old_text", "one")
        project.rename("old_text", "new_text")
        sdk.wait_value("new_text", "one")
        if kind.mode is Mode.SSE or kind.notices_absence:
            sdk.wait_gone("old_text")
        assert sdk.features["other"].value == "stays"
