"""The database of a role: what is waited for, and what ends it."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import trio

from fh.actors.errors import ChildBeyondRestart
from fh.db.errors import ClusterLost
from tests.roles.test_party_server import party_server
from tests.roles.test_split import SECONDS

pytestmark = pytest.mark.postgres


async def test_a_data_directory_that_lost_its_cluster_ends_the_process(tmp_path: Path) -> None:
    server = party_server(tmp_path)
    cluster = tmp_path / "postgres" / "cluster"
    with trio.fail_after(SECONDS), pytest.RaisesGroup(ChildBeyondRestart) as ended:
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            postmaster = int((cluster / "postmaster.pid").read_text().split()[0])
            shutil.rmtree(cluster)
            os.kill(postmaster, signal.SIGQUIT)
    error: BaseException | None = ended.value.exceptions[0]
    while isinstance(error, ChildBeyondRestart):
        error = error.__cause__
    assert isinstance(error, ClusterLost)
    assert not cluster.exists()
