"""Streams end after three seconds here: SDKs reconnect and miss nothing."""

from collections.abc import Iterator

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party, open_party
from tests.e2e.sdk_process import Mode

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def short_streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    settings = {"EDGE_SSE_DROP_AFTER_SECONDS": "3"}
    with open_party(tmp_path_factory.mktemp("short"), settings) as party:
        yield party
        party.server.assert_log_is_clean()


def test_a_change_made_while_away_is_seen_after_the_reconnect(
    short_streams: Party, kinds: list[Kind]
) -> None:
    streaming = [kind for kind in kinds if kind.mode is Mode.SSE]
    for kind in streaming:
        follow_two_reconnects(short_streams, short_streams.admin.new_project(), kind)


def follow_two_reconnects(party: Party, project: Project, kind: Kind) -> None:
    project.create("number", "NUMBER", 0)
    with kind.connect(party, project) as sdk:
        sdk.wait_value("number", 0)
        for byes in (1, 2):
            sdk.wait_for("bye", lambda byes=byes: sdk.received("bye") >= byes)
            # Node stays away for a second; Python reconnects at once, and the change races it.
            project.save("number", valueNumber=byes)
            sdk.wait_value("number", byes)
        versions = sdk.versions("number")
        assert versions == sorted(set(versions))
        assert not sdk.has_crashed
        assert sdk.readiness == "Ready"
