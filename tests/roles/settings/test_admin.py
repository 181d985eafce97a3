"""Keys of operators are for the port of operators."""

import pytest

from fh.config import ConfigurationFaults, load_settings
from fh.roles.settings.roles import EdgeRoleSettings, check_edge

KEY = "a-key-of-an-operator"
EDGE = {"nats.urls": "nats://h", "dacha.url.default": "http://dacha:8902"}


def load(**more: str) -> EdgeRoleSettings:
    file = EDGE | {name.replace("__", "."): text for name, text in more.items()}
    return load_settings(EdgeRoleSettings, environ={}, file=file, check=check_edge)


def test_keys_need_a_port_of_their_own() -> None:
    with pytest.raises(ConfigurationFaults) as refused:
        load(fh__admin__keys=KEY)
    assert [fault.property for fault in refused.value.faults] == ["monitor.port"]


def test_a_key_is_not_kept_readable() -> None:
    settings = load(fh__admin__keys=KEY, monitor__port="8701")
    [key] = settings.admin_keys
    assert key.masked == "a-ke…"
    assert KEY not in repr(settings)


def test_a_key_that_is_too_short_is_told_so() -> None:
    with pytest.raises(ConfigurationFaults, match="at least 16 characters"):
        load(fh__admin__keys="short", monitor__port="8701")
