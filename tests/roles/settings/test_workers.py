import os

import pytest

from fh.edge.door import room_for_connections
from fh.roles.settings.roles import EdgeRoleSettings, PartyServerSettings
from fh.roles.settings.workers import WorkersPartSettings, check_workers, workers_asked
from fh.roles.worker_count import ONE_A_CORE


def test_a_number_or_auto_is_read() -> None:
    read = [workers_asked(word) for word in ("auto", "-1", "0", "7")]
    assert read == [ONE_A_CORE, ONE_A_CORE, 0, 7]
    with pytest.raises(ValueError, match="whole number"):
        workers_asked("all")


def test_the_streams_of_the_node_are_shared_among_its_workers() -> None:
    settings = WorkersPartSettings(workers=2, most_streams=1000)
    assert 500 < settings.edge().most_streams < 700
    assert WorkersPartSettings(workers=2).edge().most_streams == 0
    capped = WorkersPartSettings(workers=2, streams_per_key=1000, streams_per_address=100).edge()
    assert 500 < capped.streams_per_key < 700
    assert 50 < capped.streams_per_address <= 100
    assert WorkersPartSettings(workers=2).edge().streams_per_key == 0
    assert WorkersPartSettings(most_streams=1000).edge().most_streams == 1000


def test_streams_that_need_too_many_processes_are_a_fault() -> None:
    assert check_workers(WorkersPartSettings(most_streams=100)) == []
    [fault] = check_workers(WorkersPartSettings(most_streams=300 * room_for_connections()))
    assert "ulimit -n" in str(fault)


def test_an_edge_has_one_worker_a_core_unless_its_cache_passes_through() -> None:
    cores = len(os.sched_getaffinity(0))
    assert EdgeRoleSettings().worker_count().count == cores
    assert PartyServerSettings().worker_count().count == 0
    through = EdgeRoleSettings(disconnect_behaviour="use-passthrough")
    assert through.worker_count().count == 0
