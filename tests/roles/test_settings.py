import dataclasses
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from fh.config import ConfigurationFaults, load_settings, properties_of
from fh.dacha.settings import DachaSettings
from fh.edge.settings import EdgeSettings
from fh.http.health import PROBE_PATHS
from fh.mr.settings import MrSettings
from fh.roles.kinds import role_kind
from fh.roles.settings.roles import SETTINGS, PartyServerSettings, check_party_server
from tests.http.certificates import write_pair


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


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("cloudevents.mr-dacha2.nats.channel-name", ["", "a b", "a..b", "a.*"]),
        ("cloudevents.mr-edge.nats.channel-name", ["a b", ">"]),
        ("cloudevents.edge-mr.nats.channel-name", ["", ",", "a b", "a,b c", "a.*"]),
        ("cloudevents.edge-mr.nats.queue-name", ["", "a b"]),
        ("fh.nats.dead-letter-subject", ["a b"]),
    ],
)
def test_what_nats_would_not_take_is_refused_with_the_property_s_name(
    name: str, texts: list[str]
) -> None:
    for each in texts:
        assert fault_names(**{name.replace(".", "__"): each}) == [name]


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
        ({"edge__sse__drop_after_seconds": "30", "maxSlots": "60"}, 30),
    ],
)
def test_the_new_name_of_a_stream_s_life_wins_over_the_old_one(
    properties: dict[str, str], seconds: int
) -> None:
    assert loaded(**properties).edge().drop_after_seconds == seconds


def test_what_workers_are_sent_of_settings_can_be_encoded() -> None:
    settings = loaded().edge()
    assert msgspec.json.decode(msgspec.json.encode(settings), type=EdgeSettings) == settings


def test_what_a_cache_does_while_the_bus_is_away() -> None:
    name = "dacha2__streaming__disconnect_behaviour"
    seen = {
        each: (loaded(**{name: each}).passes_through, loaded(**{name: each}).reloads_without_log)
        for each in ("on-reconnect", "use-passthrough", "standard")
    }
    assert seen == {
        "on-reconnect": (False, True),
        "use-passthrough": (True, True),
        "standard": (False, False),
    }
    assert loaded().disconnect_behaviour == "on-reconnect"
    assert fault_names(**{name: "on-reconect"}) == ["dacha2.streaming.disconnect-behaviour"]
    # Workers answer from memories of their own.
    assert fault_names(**{name: "use-passthrough", "fh__workers": "2"}) == [
        "dacha2.streaming.disconnect-behaviour"
    ]


def test_the_admin_api_s_cache_control_can_be_left_out() -> None:
    assert loaded().mr().get_cache_control == "no-store, max-age=0"
    assert loaded(cache_control__api="private").mr().get_cache_control == "private"
    assert loaded(cache_control__api="").mr().get_cache_control is None
    assert loaded(cache_control__api__enabled="false").mr().get_cache_control is None


def test_a_disabled_login_is_not_a_local_one() -> None:
    assert loaded().mr().local_login_enabled
    assert not loaded(auth__disable_login="true").mr().local_login_enabled


def test_sessions_end_in_minutes_or_never() -> None:
    told = loaded(fh__session__idle_minutes="5", fh__session__lifetime_minutes="0").mr().sessions
    assert (told.idle_seconds, told.lifetime_seconds) == (300, None)
    assert fault_names(fh__session__idle_minutes="-1") == ["fh.session.idle-minutes"]
    assert fault_names(fh__login__failures_per_minute="0") == ["fh.login.failures-per-minute"]


def test_the_header_with_the_client_s_address_is_one() -> None:
    name = "fh__login__address_header"
    assert loaded(**{name: "X-Real-IP"}).mr().client_address_header == "X-Real-IP"
    assert fault_names(**{name: "X-Real-IP: x"}) == ["fh.login.address-header"]


def test_where_people_register_has_room_for_a_token() -> None:
    url = "https://flags.example.com/register-url?token=%s"
    assert loaded(register__url=url).mr().register_url == url
    assert loaded(register__url="").mr().register_url == ""
    for wrong in ("https://flags.example.com", "https://h/%s/%s"):
        assert fault_names(register__url=wrong) == ["register.url"]


def test_cors_headers_reach_both_faces() -> None:
    settings = loaded(jersey__cors__headers="X-A, X-B", jersey__cors__expose_headers="X-C")
    assert settings.edge().cors_allow_headers == ("X-A", "X-B")
    assert settings.edge().cors_expose_headers == ("X-C",)
    assert loaded(jersey__cors__timeout="5").edge().cors_seconds == 5


def test_the_bus_is_in_memory_until_servers_are_named() -> None:
    assert loaded().nats() is None
    nats = loaded(nats__urls="nats://h:4222, tls://u:p@i").nats()
    assert nats is not None
    assert [server.host for server in nats.servers] == ["h", "i"]
    assert loaded(nats__urls="nats://h", nats__enabled="false").nats() is None
    assert fault_names(nats__urls="http://h:4222") == ["nats.urls"]


def faults_of(name: str, **properties: str) -> list[str]:
    """Return the properties that are at fault in the settings of a role."""
    kind = role_kind(name)
    file = {known.replace("__", ".").replace("_", "-"): at for known, at in properties.items()}
    try:
        load_settings(kind.settings, environ={}, file=file, check=kind.check)
    except ConfigurationFaults as caught:
        return [fault.property for fault in caught.faults]
    return []


NATS = {"nats__urls": "nats://h"}


@pytest.mark.parametrize(
    ("name", "properties", "faults"),
    [
        ("mr", {}, ["nats.urls"]),
        ("mr", NATS, []),
        ("mr", NATS | {"monitor__port": "8085", "server__port": "8085"}, ["monitor.port"]),
        ("dacha", {}, ["nats.urls", "management-repository.url"]),
        ("dacha", NATS | {"management_repository__url": "http://mr:8085"}, []),
        ("dacha", NATS | {"management_repository__url": "mr:8085"}, ["management-repository.url"]),
        ("edge", {}, ["nats.urls", "dacha.url.default"]),
        ("edge", NATS | {"dacha__url__default": "http://dacha:8902"}, []),
        ("edge-rest", {}, ["db.url"]),
        ("edge-rest", {"db__url": "postgresql://h/d"}, []),
        ("edge-rest", {"db__url": "postgresql://h/d", "db_replica__url": "x"}, ["db-replica.url"]),
        ("party-server-ish", {}, []),
    ],
)
def test_what_a_role_needs_is_told_before_it_starts(
    name: str, properties: dict[str, str], faults: list[str]
) -> None:
    assert faults_of(name, **properties) == faults


@pytest.mark.parametrize(
    ("name", "port"),
    [("party-server", 8085), ("mr", 8085), ("dacha", 8902), ("edge", 8553), ("edge-rest", 8553)],
)
def test_each_role_has_its_port(name: str, port: int) -> None:
    assert role_kind(name).settings().port == port


@pytest.mark.parametrize("name", SETTINGS)
def test_every_role_lists_its_settings(name: str) -> None:
    kind = role_kind(name)
    assert (kind.name, kind.settings) == (name, SETTINGS[name])
    assert "server.port" in properties_of(SETTINGS[name])


def test_the_name_of_the_cache_says_which_address_counts() -> None:
    addresses = {"dacha__url__default": "http://a", "dacha__url__eu": "http://b", **NATS}
    assert faults_of("edge", **addresses, cache__name="EU") == []
    assert faults_of("edge", **addresses, cache__name="us") == ["dacha.url.us"]
    assert faults_of("edge", **addresses, cache__name="") == []
    kind = role_kind("edge")
    file = {"dacha.url.default": "http://a", "dacha.url.eu": "http://b", "nats.urls": "nats://h"}
    for environ, url in (({}, "http://a"), ({"CACHE_NAME": "EU"}, "http://b")):
        settings = load_settings(kind.settings, environ=environ, file=file, check=kind.check)
        assert settings.dacha_url == url


def test_keys_between_parts_are_not_shown() -> None:
    settings = loaded(mr__dacha2__api_keys="hunter2, hunter3")
    assert [key.reveal for key in settings.truth_keys] == ["hunter2", "hunter3"]
    assert "hunter" not in repr(settings)


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


def test_a_certificate_turns_tls_on_and_leaves_probes_alone(tmp_path: Path) -> None:
    files = write_pair(tmp_path)
    names = {
        "server__tls__certificate": str(files.certificate),
        "server__tls__key": str(files.key),
    }
    settings = loaded(**names)
    assert settings.key_pair() == files
    assert settings.edge().plain_paths == PROBE_PATHS
    assert loaded(**names, server__tls__plain="none").edge().plain_paths == frozenset()
    assert loaded(**names, server__tls__plain="all").edge().plain_paths is None
    assert loaded().key_pair() is None
    assert loaded(server__tls__plain="none").edge().plain_paths is None
    below = loaded(**names, featurehub__url_path="/flags").edge()
    assert below.root == ("flags",)
    assert below.plain_paths == PROBE_PATHS | {f"/flags{path}" for path in PROBE_PATHS}


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("server__tls__certificate", "server.tls.key"),
        ("server__tls__key", "server.tls.certificate"),
        ("server__tls__key_password", "server.tls.certificate"),
    ],
)
def test_half_of_a_pair_is_refused(name: str, missing: str) -> None:
    assert fault_names(**{name: "x.pem"}) == [missing]


def test_a_pair_that_can_not_be_used_is_refused_before_the_start(tmp_path: Path) -> None:
    files, other = write_pair(tmp_path, password="hunter2"), write_pair(tmp_path, name="other")
    certificate = {"server__tls__certificate": str(files.certificate)}
    assert fault_names(**certificate, server__tls__key=str(tmp_path / "no.key")) == [
        "server.tls.key"
    ]
    assert fault_names(**certificate, server__tls__key=str(other.key)) == ["server.tls.key"]
    locked = {**certificate, "server__tls__key": str(files.key)}
    assert fault_names(**locked) == ["server.tls.key-password"]
    settings = loaded(**locked, server__tls__key_password="hunter2")
    assert "hunter2" not in repr(settings)
    assert fault_names(server__tls__certificate=str(tmp_path), server__tls__key="x") == [
        "server.tls.certificate"
    ]


def test_an_edge_loads_no_web_framework_and_no_database() -> None:
    # In a process of its own: this one has loaded everything.
    heavy = {"quart", "werkzeug", "asyncpg", "fh.db.pool", "fh.mr.http.app"}
    code = (
        "import sys; from fh.roles.kinds import role_kind; role_kind('edge');"
        f"print(*{heavy} & sys.modules.keys())"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert loaded.strip() == ""
