"""One party-server for all scenarios of a file, as the acceptance suite has it."""

import pytest

from tests.mr.replay.client import Client, Scenario
from tests.mr.stateful.world import open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with open_world(tmp_path_factory.mktemp("party")) as world:
        yield world


@pytest.fixture
def api(world) -> Client:
    return Client(world.url, world.offered, world.token)


@pytest.fixture
def scenario(api) -> Scenario:
    return Scenario(api)
