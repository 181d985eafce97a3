"""The party-server goes away, by order and by kill -9: nothing acknowledged is lost."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from threading import Event, Thread

import httpx2
import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Kind, Party, open_party
from tests.e2e.sdk_process import SdkProcess

pytestmark = pytest.mark.e2e

BURST_FEATURES = ("a", "b", "c")


@pytest.fixture
def own_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    """A server that a test may kill."""
    with open_party(tmp_path_factory.mktemp("loss")) as party:
        yield party
        party.server.assert_log_is_clean()


@pytest.fixture
def own_project(own_party: Party) -> Project:
    return own_party.admin.new_project()


def connect_all(
    stack: ExitStack, party: Party, project: Project, kinds: Sequence[Kind]
) -> list[tuple[Kind, SdkProcess]]:
    pairs = [(kind, stack.enter_context(kind.connect(party, project))) for kind in kinds]
    for _, sdk in pairs:
        sdk.wait_ready()
    return pairs


def revive_the_dead(pairs: Sequence[tuple[Kind, SdkProcess]]) -> None:
    """Connect those again that a refused connection has ended, as their applications would."""
    for kind, sdk in pairs:
        if kind.survives_refusal:
            assert not sdk.has_crashed, sdk.story()
        elif sdk.has_crashed:
            sdk.revive()


def expect_monotonic(pairs: Sequence[tuple[Kind, SdkProcess]], keys: Sequence[str]) -> None:
    for _, sdk in pairs:
        for key in keys:
            versions = sdk.versions(key)
            assert versions == sorted(set(versions)), sdk.story()


def test_a_restart_is_survived(own_party: Party, own_project: Project, kinds: list[Kind]) -> None:
    own_project.create("text", "STRING", "before")
    with ExitStack() as stack:
        pairs = connect_all(stack, own_party, own_project, kinds)
        own_party.server.restart()
        revive_the_dead(pairs)
        own_project.save("text", valueString="after")
        for _, sdk in pairs:
            sdk.wait_value("text", "after")
        expect_monotonic(pairs, ["text"])


def test_what_was_acknowledged_survives_kill_9(
    own_party: Party, own_project: Project, kinds: list[Kind]
) -> None:
    for key in BURST_FEATURES:
        own_project.create(key, "NUMBER", 0)
    with ExitStack() as stack:
        pairs = connect_all(stack, own_party, own_project, kinds)
        bursts = [Burst(own_party, own_project, key) for key in BURST_FEATURES]
        for burst in bursts:
            burst.start()
        for burst in bursts:
            assert burst.well_under_way.wait(30)
        own_party.server.kill9()
        for burst in bursts:
            burst.join(30)
        own_party.server.start()
        revive_the_dead(pairs)

        for burst in bursts:
            truth = own_project.load(burst.key)
            # The write in flight was not answered: it may be there or not.
            assert truth["valueNumber"] in {burst.acknowledged, burst.acknowledged + 1}
            for _, sdk in pairs:
                sdk.wait_value(burst.key, truth["valueNumber"])
                assert sdk.features[burst.key].version == truth["version"]
        expect_monotonic(pairs, BURST_FEATURES)


class Burst(Thread):
    """Counts one feature up, write by write, until the server is gone."""

    def __init__(self, party: Party, project: Project, key: str):
        super().__init__(daemon=True)
        self.key = key
        self.acknowledged = 0
        self.well_under_way = Event()
        self._url = party.server.admin_url + project.path(key)
        self._value = project.load(key)
        token = project.admin.token
        self._headers = {"authorization": f"Bearer {token}"}

    def run(self) -> None:
        with httpx2.Client(headers=self._headers, timeout=10) as http:
            while True:
                wanted = {**self._value, "valueNumber": self.acknowledged + 1}
                try:
                    answer = http.put(self._url, json=wanted)
                except httpx2.TransportError:
                    return
                assert answer.is_success, answer.text
                self._value = answer.json()
                self.acknowledged += 1
                if self.acknowledged == 20:
                    self.well_under_way.set()
