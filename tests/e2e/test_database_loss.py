"""PostgreSQL is killed under the party-server: it comes back, and no stream hears of it."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Party, open_party
from tests.e2e.wire import Wire, poll_target, wait_polled

pytestmark = pytest.mark.e2e


@pytest.fixture
def own_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    with open_party(tmp_path_factory.mktemp("database")) as party:
        yield party


def kill_postgres(party: Party) -> None:
    [pid_file] = party.server.data_directory.rglob("postmaster.pid")
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)


def save_when_it_is_back(party: Party, project: Project, **members: object) -> None:
    """Save; until the database is back the answer is 503, and never anything final."""
    while True:
        answer = party.admin.request("GET", project.path("flag"))
        if answer.is_success:
            body = {**answer.json(), **members}
            answer = party.admin.request("PUT", project.path("flag"), body)
        if answer.is_success:
            return
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"] == "1"


def test_a_killed_database_is_started_again_and_ends_no_stream(own_party: Party) -> None:
    project = own_party.admin.new_project()
    project.create("flag", "BOOLEAN", True)
    wait_polled(own_party.server.port, project.client_key, flag=True)
    with Wire(own_party.server.port) as stream, Wire(own_party.server.port) as poll:
        stream.request("GET", f"/features/{project.client_key}")
        stream.read_head()
        assert b"event: features" in stream.read_events(2)
        kill_postgres(own_party)
        answer = poll.ask("GET", poll_target(project.client_key))
        assert answer.status == 200
        # Nobody shall be sent elsewhere: the others have lost the same database.
        assert own_party.server.probe("/health/readiness")[0] == 200
        save_when_it_is_back(own_party, project, valueBoolean=False)
        assert b'"value":false' in stream.read_events(1)
    own_party.server.assert_log_is_clean()
