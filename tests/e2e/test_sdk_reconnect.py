"""Streams end after three seconds here: SDKs reconnect and miss nothing."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.party import Kind, Party, open_party
from tests.e2e.sdk_process import Mode
from tests.e2e.sdks import InstalledSdk
from tests.e2e.traffic import streams

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
    for_each(streaming, lambda kind: follow_two_reconnects(short_streams, kind))


def test_who_comes_back_up_to_date_is_not_sent_it_all_again(
    short_streams: Party, node_sdk: InstalledSdk, browser_sdk: InstalledSdk
) -> None:
    # The Python SDK does not say what it saw last.
    sdks = (node_sdk, browser_sdk)
    kinds = [Kind(sdk, Mode.SSE, who) for sdk in sdks for who in ("client", "server")]
    for_each(kinds, lambda kind: follow_a_quiet_reconnect(short_streams, kind))


def for_each(kinds: Sequence[Kind], follow: Callable[[Kind], None]) -> None:
    """Follow all at once: each waits for most of its time."""
    with ThreadPoolExecutor(len(kinds)) as pool:
        for followed in [pool.submit(follow, kind) for kind in kinds]:
            followed.result()


def follow_two_reconnects(party: Party, kind: Kind) -> None:
    project = party.admin.new_project()
    project.create("number", "NUMBER", 0)
    with kind.connect(party, project) as sdk:
        sdk.wait_value("number", 0)
        for byes in (1, 2):
            sdk.wait_for("bye", lambda byes=byes: sdk.received("bye") >= byes)
            # A browser stays away for three seconds, Node for one; Python reconnects at once, and
            # the change races it.
            project.save("number", valueNumber=byes)
            sdk.wait_value("number", byes)
        versions = sdk.versions("number")
        assert versions == sorted(set(versions))
        assert not sdk.has_crashed
        assert sdk.readiness == "Ready"


def follow_a_quiet_reconnect(party: Party, kind: Kind) -> None:
    project = party.admin.new_project()
    project.create("number", "NUMBER", 0)
    with kind.connect(party, project, context={"userkey": ["frëd"]}) as sdk:
        sdk.wait_value("number", 0)
        # What it saw last is a change, not a snapshot.
        project.save("number", valueNumber=1)
        sdk.wait_value("number", 1)
        before = sdk.received("features")
        sdk.wait_for("the end of the second stream", lambda: sdk.received("bye") >= 2)
        assert sdk.received("features") == before
        assert sdk.readiness == "Ready"
        if kind.is_browser:
            first, second = streams(sdk)[:2]
            assert "last-event-id" not in first.asked
            assert second.asked["last-event-id"]
            assert second.url == first.url
