"""Keys that open nothing: the SDK ends in its failed state, and the server is unmoved."""

import uuid

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party
from tests.e2e.sdk_process import Mode, SdkProcess

pytestmark = pytest.mark.e2e


def expect_failure(kind: Kind, sdk: SdkProcess) -> None:
    if not kind.is_python:
        sdk.wait_for("its failed state", lambda: sdk.readiness == "Failed")
    elif kind.mode is Mode.POLL:
        sdk.wait_for("the refusal", lambda: sdk.received("failed") == 1)
    else:
        # The Python SDK waits for a name that no server sends, and asks again without delay.
        sdk.wait_for("some refusals", lambda: sdk.received("failure") > 3)
    assert sdk.readiness != "Ready"
    assert not sdk.features


def test_an_unknown_secret_ends_in_the_failed_state(
    party: Party, project: Project, kind: Kind
) -> None:
    secret = "x" * 30 + "*" + "y" * 20 if kind.evaluation == "client" else "x" * 40
    key = f"{project.environment_id}/{secret}"
    with SdkProcess(kind.sdk, party.server.url, key, kind.mode) as sdk:
        expect_failure(kind, sdk)
    assert party.server.is_ready()


def test_an_unknown_environment_ends_in_the_failed_state(
    party: Party, project: Project, kind: Kind
) -> None:
    key = project.key(kind.evaluation).replace(project.environment_id, str(uuid.uuid4()))
    with SdkProcess(kind.sdk, party.server.url, key, kind.mode) as sdk:
        expect_failure(kind, sdk)
    assert party.server.is_ready()


def test_a_deleted_environment_refuses_its_key_within_ten_seconds(
    party: Party, project: Project, kind: Kind
) -> None:
    project.create("text", "STRING", "one")
    with kind.connect(party, project) as sdk:
        sdk.wait_value("text", "one")
        deleted = party.admin.call("DELETE", f"/mr-api/environment/{project.environment_id}")
        assert deleted is True
        event = "failed" if kind.is_python and kind.mode is Mode.POLL else "failure"
        sdk.wait_for("the refusal", lambda: sdk.received(event) > 0, 10)
