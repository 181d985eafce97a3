"""OpenFeature's own providers, unmodified: Python's, and JavaScript's for servers and for pages."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.admin import Project
from tests.e2e.openfeature import (
    Provider,
    install_python_provider,
    install_server_provider,
    install_web_provider,
)
from tests.e2e.party import Party, open_party
from tests.e2e.sdks import InstalledSdk
from tests.e2e.wire import wait_polled

pytestmark = pytest.mark.e2e

DOCUMENT = '{"limits": [1, 2.5], "name": "ünï"}'
FRED = {"targetingKey": "fred"}

INSTALL = {
    "python": install_python_provider,
    "server": install_server_provider,
    "web": install_web_provider,
}


@pytest.fixture(scope="module", params=list(INSTALL))
def provider(request: pytest.FixtureRequest) -> InstalledSdk:
    return INSTALL[request.param]()


@pytest.fixture(scope="module")
def web() -> InstalledSdk:
    return install_web_provider()


def strategy(value: object, **members: object) -> dict[str, object]:
    return {"name": "a strategy", "value": value, **members}


def condition(
    field_name: str, *values: object, kind: str = "STRING", conditional: str = "EQUALS"
) -> dict[str, object]:
    return {
        "conditional": conditional,
        "fieldName": field_name,
        "type": kind,
        "values": list(values),
    }


@pytest.mark.parametrize("evaluation", ["server", "client"])
def test_values_of_all_types_with_either_key(
    party: Party, project: Project, provider: InstalledSdk, evaluation: str
) -> None:
    project.create("flag", "BOOLEAN", True)
    project.create("text", "STRING", 'Grüße, "世界" 🚩')
    project.create("count", "NUMBER", 3)
    project.create("rate", "NUMBER", 0.25)
    project.create("document", "JSON", DOCUMENT)
    wait_polled(
        party.server.port,
        project.client_key,
        flag=True,
        text='Grüße, "世界" 🚩',
        count=3,
        rate=0.25,
        document=DOCUMENT,
    )

    with Provider(provider, party.server.url, project.key(evaluation)) as client:
        flag = client.evaluate("boolean", "flag", False)
        assert (flag.value, flag.reason, flag.variant, flag.error) == (
            True,
            "STATIC",
            "default",
            None,
        )
        assert flag.metadata == {
            "type": "BOOLEAN",
            "version": project.load("flag")["version"],
            "locked": False,
        }
        assert client.value("string", "text", "") == 'Grüße, "世界" 🚩'
        assert client.value("integer", "count", 0) == 3
        assert client.value("float", "rate", 0.0) == 0.25
        assert client.value("object", "document", {}) == {"limits": [1, 2.5], "name": "ünï"}


def test_the_codes_default_stands_where_there_is_no_value(
    party: Party, project: Project, provider: InstalledSdk
) -> None:
    project.create("unset", "STRING")
    project.create("retired", "BOOLEAN", True)
    project.save("retired", retired=True)
    project.create("last", "BOOLEAN", True)
    wait_polled(party.server.port, project.client_key, unset=None, last=True)

    with Provider(provider, party.server.url, project.server_key) as client:
        unset = client.evaluate("string", "unset", "of the code")
        retired = client.evaluate("boolean", "retired", False)
    assert (unset.value, retired.value) == ("of the code", False)
    if provider.name == "server":
        # Its core is older than answers without a value, and calls them unexpected.
        assert (unset.error, retired.error) == ("GENERAL", "GENERAL")
    else:
        assert (unset.reason, retired.reason) == ("DEFAULT", "DISABLED")
        assert (unset.error, retired.error) == (None, None)


@pytest.mark.parametrize(
    ("rule", "context"),
    [
        pytest.param(condition("userkey", "fred"), FRED, id="targeting-key"),
        pytest.param(condition("plan", "pro"), {"plan": "pro"}, id="text"),
        pytest.param(
            condition("age", 18, kind="NUMBER", conditional="GREATER_EQUALS"),
            {"age": 42},
            id="number",
        ),
        pytest.param(condition("beta", True, kind="BOOLEAN"), {"beta": True}, id="boolean"),
        pytest.param(condition("teams", "core"), {"teams": ["sales", "core"]}, id="list"),
        pytest.param(
            condition("version", "2.0.0", kind="SEMANTIC_VERSION", conditional="GREATER"),
            {"version": "2.1.0", "nested": {"ignored": 1}},
            id="version",
        ),
    ],
)
def test_a_context_is_targeted(
    party: Party,
    project: Project,
    provider: InstalledSdk,
    rule: Mapping[str, object],
    context: Mapping[str, object],
) -> None:
    project.create("text", "STRING", "for all")
    project.save("text", rolloutStrategies=[strategy("for some", attributes=[rule])])
    project.create("last", "BOOLEAN", True)
    wait_polled(party.server.port, project.client_key, text="for all", last=True)
    [stored] = project.load("text")["rolloutStrategies"]

    with Provider(provider, party.server.url, project.server_key, context) as client:
        some = client.evaluate("string", "text", "")
    assert (some.value, some.reason, some.variant) == (
        "for some",
        "TARGETING_MATCH",
        stored["id"],
    )
    with Provider(provider, party.server.url, project.server_key, {"other": "x"}) as client:
        rest = client.evaluate("string", "text", "")
    assert (rest.value, rest.reason, rest.variant) == ("for all", "DEFAULT", "default")


def test_a_percentage_splits_users_the_same_way_for_every_provider(
    party: Party, project: Project
) -> None:
    project.create("text", "STRING", "rest")
    project.save("text", rolloutStrategies=[strategy("half", percentage=500_000)])
    project.create("last", "BOOLEAN", True)
    wait_polled(party.server.port, project.client_key, text="rest", last=True)

    splits = []
    for install in INSTALL.values():
        split = {}
        with Provider(install(), party.server.url, project.server_key) as client:
            for number in range(16):
                context = {"targetingKey": f"user-{number}"}
                if client.name == "web":
                    client.set_context(context)
                found = client.evaluate("string", "text", "", context)
                assert found.reason == ("SPLIT" if found.value == "half" else "DEFAULT")
                split[number] = found.value
            if client.name != "web":
                nobody = client.evaluate("string", "text", "", {})
                assert (nobody.value, nobody.reason) == ("rest", "DEFAULT")
        splits.append(split)
    assert splits[0] == splits[1] == splits[2]
    assert set(splits[0].values()) == {"half", "rest"}


def test_a_flag_that_is_not_there(party: Party, project: Project, provider: InstalledSdk) -> None:
    with Provider(provider, party.server.url, project.server_key) as client:
        missing = client.evaluate("string", "no such flag", "of the code")
    assert (missing.value, missing.reason) == ("of the code", "ERROR")
    assert missing.error == "FLAG_NOT_FOUND"


def test_a_key_that_does_not_work(party: Party, project: Project, provider: InstalledSdk) -> None:
    project.create("flag", "BOOLEAN", True)
    with Provider(provider, party.server.url, f"{project.server_key}x") as client:
        flag = client.evaluate("boolean", "flag", False)
        assert (flag.value, flag.reason) == (False, "ERROR")
        if client.name == "web":
            assert (client.statuses, flag.status) == ([401], "FATAL")


@pytest.mark.parametrize("provider", ["python", "server"], indirect=True)
def test_a_change_is_seen_by_the_next_evaluation(
    party: Party, project: Project, provider: InstalledSdk
) -> None:
    project.create("text", "STRING", "one")
    wait_polled(party.server.port, project.client_key, text="one")
    with Provider(provider, party.server.url, project.server_key) as client:
        assert client.value("string", "text", "") == "one"
        project.save("text", valueString="two")
        wait_polled(party.server.port, project.client_key, text="two")
        assert client.value("string", "text", "") == "two"


@pytest.mark.parametrize("evaluation", ["server", "client"])
def test_a_page_hears_of_a_change(
    party: Party, project: Project, web: InstalledSdk, evaluation: str
) -> None:
    project.create("text", "STRING", "one")
    project.create("other", "BOOLEAN", True)
    wait_polled(party.server.port, project.client_key, text="one", other=True)
    with Provider(web, party.server.url, project.key(evaluation), FRED) as page:
        assert page.value("string", "text", "") == "one"
        for number, value in enumerate(("two", "three"), start=1):
            project.save("text", valueString=value)
            page.wait_for(
                f"change {number}",
                lambda number=number: len(page.told("ConfigurationChanged")) == number,
            )
            assert page.told("ConfigurationChanged")[-1]["flags"] == ["text"]
            assert page.value("string", "text", "") == value
        assert page.statuses == [200] * 3
        assert not page.told("Stale")


def test_a_page_that_polls_is_answered_not_modified_until_there_is_news(
    party: Party, project: Project, web: InstalledSdk
) -> None:
    project.create("text", "STRING", "one")
    wait_polled(party.server.port, project.client_key, text="one")
    options = {"changeDetection": "polling", "pollInterval": 100}
    with Provider(web, party.server.url, project.server_key, FRED, **options) as page:
        page.wait_for("polls without news", lambda: page.statuses[:3] == [200, 304, 304])
        project.save("text", valueString="two")
        page.wait_for("the change", lambda: bool(page.told("ConfigurationChanged")))
        assert page.value("string", "text", "") == "two"
        polls = len(page.statuses)
        page.wait_for("polls without news", lambda: len(page.statuses) >= polls + 2)
        assert page.statuses[polls:][-1] == 304


def test_a_page_that_changes_its_context_gets_its_flags_anew(
    party: Party, project: Project, web: InstalledSdk
) -> None:
    project.create("text", "STRING", "for all")
    rule = condition("userkey", "fred")
    project.save("text", rolloutStrategies=[strategy("for fred", attributes=[rule])])
    project.create("last", "BOOLEAN", True)
    wait_polled(party.server.port, project.client_key, text="for all", last=True)
    with Provider(web, party.server.url, project.server_key, {"targetingKey": "mary"}) as page:
        assert page.value("string", "text", "") == "for all"
        page.set_context(FRED)
        assert page.value("string", "text", "") == "for fred"


def test_a_page_hears_what_changed_while_it_could_not_be_told(
    tmp_path: Path, web: InstalledSdk
) -> None:
    with open_party(tmp_path) as party:
        project = party.admin.new_project()
        project.create("text", "STRING", "one")
        wait_polled(party.server.port, project.client_key, text="one")
        with Provider(web, party.server.url, project.server_key, FRED) as page:
            assert page.value("string", "text", "") == "one"
            party.server.restart()
            project.save("text", valueString="two")
            # A provider that was refused too long fetches anew and tells nobody: ask for the value.
            deadline = time.monotonic() + 60
            while page.value("string", "text", "") != "two":
                assert time.monotonic() < deadline, page.story()
                time.sleep(0.1)
