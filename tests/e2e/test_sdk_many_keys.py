"""Several keys in one request: the features of several environments in one repository.

Polling only: an SDK's stream is opened with its first key alone.
"""

import uuid

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party
from tests.e2e.traffic import wait_exchange

pytestmark = pytest.mark.e2e


@pytest.fixture
def second_project(party: Party) -> Project:
    return party.admin.new_project()


def test_the_features_of_two_environments_are_followed(
    party: Party, project: Project, second_project: Project, polling: Kind
) -> None:
    project.create("first", "STRING", "one")
    second_project.create("second", "NUMBER", 1)
    more = [second_project.key(polling.evaluation)]
    with polling.connect(party, project, more_keys=more) as sdk:
        sdk.wait_value("first", "one")
        sdk.wait_value("second", 1)
        second_project.save("second", valueNumber=2)
        sdk.wait_value("second", 2)
        project.save("first", valueString="two")
        sdk.wait_value("first", "two")
        assert sdk.features["second"].exists
        if polling.is_browser:
            same = wait_exchange(sdk, "a 304", lambda each: each.status == 304)
            assert same.url.count("apiKey=") == 2


def test_a_key_that_opens_nothing_takes_nothing_from_the_others(
    party: Party, project: Project, polling: Kind
) -> None:
    project.create("text", "STRING", "one")
    known = project.key(polling.evaluation)
    unknown = known.replace(project.environment_id, str(uuid.uuid4()))
    with polling.connect(party, project, more_keys=[unknown]) as sdk:
        sdk.wait_value("text", "one")
        project.save("text", valueString="two")
        sdk.wait_value("text", "two")
        assert set(sdk.snapshot()) == {"text"}


def test_the_end_of_one_environment_leaves_the_other(
    party: Party, project: Project, second_project: Project, polling: Kind
) -> None:
    project.create("first", "STRING", "one")
    second_project.create("second", "STRING", "one")
    more = [second_project.key(polling.evaluation)]
    with polling.connect(party, project, more_keys=more) as sdk:
        sdk.wait_value("first", "one")
        sdk.wait_value("second", "one")
        party.admin.call("DELETE", f"/mr-api/environment/{second_project.environment_id}")
        if polling.notices_absence:
            sdk.wait_gone("second")
        project.save("first", valueString="two")
        sdk.wait_value("first", "two")
        assert sdk.readiness == "Ready"
