import dataclasses
from pathlib import Path

import pytest

from fh.config import ConfigurationFaults, load_settings, properties_of
from fh.dacha.settings import DachaSettings
from fh.edge.settings import EdgeSettings
from fh.mr.settings import MrSettings
from fh.roles.settings import PartyServerSettings, check_party_server


def loaded(**properties: str) -> PartyServerSettings:
    """Load settings from properties; two underscores stand for a dot, one for a hyphen."""
    file = {name.replace("__", ".").replace("_", "-"): text for name, text in properties.items()}
    return load_settings(PartyServerSettings, environ={}, file=file, check=check_party_server)


def fault_names(**properties: str) -> list[str]:
    with pytest.raises(ConfigurationFaults) as caught:
        loaded(**properties)
    return [fault.property for fault in caught.value.faults]


def test_every_default_is_what_its_own_reader_would_return() -> None:
    for known, default in properties_of(PartyServerSettings).values():
        if isinstance(default, int | str) and not isinstance(default, bool):
            assert known.parse(str(default)) == default, known.name


def test_nothing_needs_to_be_set() -> None:
    settings = loaded()
    assert settings == PartyServerSettings()
    assert (settings.port, settings.host) == (8085, "")
    assert settings.data_directory == Path("data")


def test_the_parts_agree_with_their_own_defaults() -> None:
    settings = PartyServerSettings()
    assert settings.edge() == EdgeSettings()
    assert settings.dacha() == DachaSettings()
    ours, theirs = settings.mr(), MrSettings()
    differing = {
        field.name
        for field in dataclasses.fields(ours)
        if getattr(ours, field.name) != getattr(theirs, field.name)
    }
    assert differing <= {"cors"}


@pytest.mark.parametrize(
    ("properties", "seconds"),
    [
        ({}, 30),
        ({"maxSlots": "60"}, 60),
        ({"edge__sse__drop_after_seconds": "45"}, 45),
        ({"edge__sse__drop_after_seconds": "45", "maxSlots": "60"}, 45),
        ({"edge__sse__drop_after_seconds": "0", "maxSlots": "60"}, 0),
    ],
)
def test_the_new_name_of_a_stream_s_life_wins_over_the_old_one(
    properties: dict[str, str], seconds: int
) -> None:
    assert loaded(**properties).edge().drop_after_seconds == seconds


def test_the_admin_api_s_cache_control_can_be_left_out() -> None:
    assert loaded().mr().get_cache_control == "no-store, max-age=0"
    assert loaded(cache_control__api="private").mr().get_cache_control == "private"
    assert loaded(cache_control__api="").mr().get_cache_control is None
    assert loaded(cache_control__api__enabled="false").mr().get_cache_control is None


def test_a_disabled_login_is_not_a_local_one() -> None:
    assert loaded().mr().local_login_enabled
    assert not loaded(auth__disable_login="true").mr().local_login_enabled


def test_cors_headers_reach_both_faces() -> None:
    settings = loaded(jersey__cors__headers="X-A, X-B", jersey__cors__expose_headers="X-C")
    assert settings.edge().cors_allow_headers == ("X-A", "X-B")
    assert settings.edge().cors_expose_headers == ("X-C",)
    assert loaded(jersey__cors__timeout="5").edge().cors_seconds == 5


def test_a_bus_that_is_not_supported_yet_is_refused() -> None:
    assert fault_names(nats__urls="nats://h:4222") == ["nats.urls"]


def test_a_database_address_is_looked_at_before_the_start() -> None:
    assert fault_names(db__url="jdbc:mysql://h/d") == ["db.url"]
    assert loaded(db__url="jdbc:postgresql://h/d").database_url == "jdbc:postgresql://h/d"


@pytest.mark.parametrize("name", ["db__username", "db__password"])
def test_credentials_without_a_database_are_refused(name: str) -> None:
    assert fault_names(**{name: "x"}) == ["db.url"]


def test_more_connections_at_least_than_at_most_are_refused() -> None:
    assert fault_names(db__minConnections="5", db__maxConnections="4") == ["db.minConnections"]


def test_a_header_s_value_can_start_no_other_header() -> None:
    faults = fault_names(
        edge__cache_control__header="a\r\nSet-Cookie: b", cache_control__api="a\nb"
    )
    assert faults == ["edge.cache-control.header", "cache-control.api"]


def test_the_password_is_not_shown_with_the_settings() -> None:
    settings = loaded(db__url="postgresql://h/d", db__password="hunter2")
    assert settings.database_password.reveal == "hunter2"
    assert "hunter2" not in repr(settings)
