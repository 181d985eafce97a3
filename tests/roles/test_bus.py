"""The bus as the settings of a role make it."""

import pytest

from fh.aio import Island
from fh.bus.memory import MemoryBus
from fh.bus.nats import NatsBus
from fh.roles.bus import make_bus
from fh.roles.settings.roles import MrRoleSettings


@pytest.mark.parametrize(("connections", "at_once"), [(1, 1), (2, 1), (10, 5), (100, 10)])
def test_updates_from_sdks_leave_connections_for_the_admin_api(
    connections: int, at_once: int
) -> None:
    settings = MrRoleSettings(nats_urls=("nats://n",), connections_most=connections)
    bus = make_bus(Island(), settings, None)
    assert isinstance(bus, NatsBus)
    assert bus._settings.updates_at_once == at_once


def test_without_servers_there_is_the_process_alone() -> None:
    assert isinstance(make_bus(Island(), MrRoleSettings(), None), MemoryBus)
