"""Test writes: an SDK changes features through its test client, and everybody sees it."""

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party
from tests.e2e.sdk_process import Mode
from tests.e2e.sdks import InstalledSdk
from tests.e2e.traffic import blocked, exchanges

pytestmark = pytest.mark.e2e

# The Python SDK has no test client, and the others write alike whether they stream or poll.
KINDS = [
    (sdk, mode, evaluation)
    for sdk in ("node", "browser")
    for mode, evaluation in ((Mode.SSE, "client"), (Mode.POLL, "server"))
]
DOCUMENT = '{"limits": [1, 2.5], "name": "ünï 🚩"}'


@pytest.fixture(params=KINDS, ids=[f"{name}-{mode.value}-{who}" for name, mode, who in KINDS])
def writing(request: pytest.FixtureRequest) -> Kind:
    name, mode, evaluation = request.param
    return Kind(request.getfixturevalue(f"{name}_sdk"), mode, evaluation)


def test_a_value_of_each_type_is_written(party: Party, project: Project, writing: Kind) -> None:
    project.create("flag", "BOOLEAN", False)
    project.create("text", "STRING", "one")
    project.create("number", "NUMBER", 1)
    project.create("document", "JSON", "{}")
    written = {"flag": True, "text": "zwei, 🚩", "number": 2.5, "document": DOCUMENT}

    with writing.connect(party, project) as sdk:
        sdk.wait_value("document", "{}")
        for key, value in written.items():
            assert sdk.write(key, value=value), key
        for key, value in written.items():
            sdk.wait_value(key, value)

    assert project.load("flag")["valueBoolean"] is True
    assert project.load("text")["valueString"] == "zwei, 🚩"
    assert project.load("number")["valueNumber"] == 2.5
    assert project.load("document")["valueJson"] == DOCUMENT


def test_a_value_is_taken_away_and_given_back(
    party: Party, project: Project, writing: Kind
) -> None:
    project.create("text", "STRING", "one")
    with writing.connect(party, project) as sdk:
        sdk.wait_value("text", "one")
        assert sdk.write("text", updateValue=True)
        sdk.wait_value("text", None)
        assert sdk.write("text", updateValue=True, value="two")
        sdk.wait_value("text", "two")


def test_a_locked_feature_is_changed_only_by_who_unlocks_it(
    party: Party, project: Project, writing: Kind
) -> None:
    project.create("text", "STRING", "one")
    project.save("text", locked=True)
    with writing.connect(party, project) as sdk:
        sdk.wait_for("the lock", lambda: "text" in sdk.features and sdk.features["text"].locked)
        assert not sdk.write("text", value="two")
        assert sdk.write("text", lock=False, value="three")
        sdk.wait_value("text", "three")
        assert not sdk.features["text"].locked
        assert sdk.write("text", lock=True)
        sdk.wait_for("the lock again", lambda: sdk.features["text"].locked)
        assert sdk.features["text"].value == "three"
    assert "two" not in {change.feature.value for change in sdk.changes}


def test_what_cannot_be_written_is_refused(party: Party, project: Project, writing: Kind) -> None:
    project.create("number", "NUMBER", 1)
    with writing.connect(party, project) as sdk:
        sdk.wait_value("number", 1)
        assert not sdk.write("number", value="many")
        assert not sdk.write("number")
        assert not sdk.write("unknown", value=2)
        # The same value again is not a change, and yet no refusal.
        assert sdk.write("number", value=1)
        assert sdk.write("number", value=3)
        sdk.wait_value("number", 3)
        values = [change.feature.value for change in sdk.changes if change.key == "number"]
    assert values[-2:] == [1, 3]


def test_a_page_elsewhere_may_write(
    party: Party, project: Project, browser_sdk: InstalledSdk
) -> None:
    project.create("flag", "BOOLEAN", False)
    with Kind(browser_sdk, Mode.SSE, "client").connect(party, project) as sdk:
        sdk.wait_value("flag", False)
        assert sdk.write("flag", value=True)
        sdk.wait_value("flag", True)
        (preflight,) = exchanges(sdk, "OPTIONS")
        (put,) = exchanges(sdk, "PUT")
        assert not blocked(sdk)
    assert preflight.status == 200
    assert preflight.asked["access-control-request-method"] == "PUT"
    assert put.status == 200
    assert put.answered["access-control-allow-origin"] == "*"
