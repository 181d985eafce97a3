import shutil
from pathlib import Path

import pytest

from bench.baselines.contestant import DidNotStart
from bench.load.link import LoadPlan, open_load
from bench.peers.lineup import EVALUATING, MEANINGS, NAMES, Absent, Workload, start, versions
from bench.peers.nchan import NoNchan, find_nchan


def has_nchan():
    try:
        find_nchan()
    except (NoNchan, DidNotStart):
        return False
    return True


needs_nchan = pytest.mark.skipif(not has_nchan(), reason="nginx has no nchan here")
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no compiler")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.mark.parametrize(
    "name",
    [
        "quart",
        "python",
        pytest.param("c", marks=needs_compiler),
        pytest.param("nchan", marks=needs_nchan),
        pytest.param("node", marks=needs_node),
    ],
)
def test_everybody_delivers_each_channels_own_events(name, tmp_path: Path):
    with start(name, Workload(tmp_path, value_bytes=100, environments=3)) as server:
        plan = LoadPlan(
            server.host, server.port, server.path, server.ready_mark, 12, environments=3
        )
        with open_load(plan) as load:
            load.wait_open()
            for number in (1, 2):
                server.prepare(number)
                fan_out = load.fan_out(number, lambda: server.publish(number), seconds=20)  # noqa: B023 called at once
                assert (fan_out.missing, fan_out.duplicates, fan_out.ended_streams) == (0, 0, 0)
                assert fan_out.wrong_outcomes == 0
        assert server.pids
        assert not server.complaints()


def test_a_name_that_nobody_has_is_refused(tmp_path: Path):
    with pytest.raises(Absent, match="nobody"):
        start("go", Workload(tmp_path, value_bytes=100))


def test_everybody_is_explained():
    assert set(MEANINGS) == {*NAMES, EVALUATING}


def test_versions_are_of_who_takes_part():
    assert versions(["fh"]) == {}
    assert set(versions(["quart"])) == {"quart-trio", "hypercorn"}
