"""The compose files: whole, locked down, and of settings that the roles take."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fh.roles.settings.roles import SETTINGS
from tests.docker.installation import DOCKER, take
from tests.nats_server import find_binary

# Each installation: its files, one laid over the other, and the example of its variables.
INSTALLATIONS = {
    "party": (["compose.party.yaml"], "party.env.example"),
    "split": (["compose.split.yaml"], "split.env.example"),
    "split-nats3": (["compose.split.yaml", "compose.split-nats3.yaml"], "split.env.example"),
}
SECRETS = {"DB_PASSWORD": "of-the-database", "NATS_TOKEN": "token-of-nats"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::(-|\?)([^}]*))?\}")


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in as compose does.

    Raises:
        KeyError: one that has to be given is not.
    """

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        if kind == "-":
            return variables.get(name) or str(default)
        return variables[name]

    return _VARIABLE.sub(value, text)


def lay_over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        added = {key: lay_over(below.get(key), value) for key, value in above.items()}
        return {**below, **added}
    return above


def read(name: str, variables: Mapping[str, str] = SECRETS) -> dict[str, Any]:
    """Return one installation as compose sees it.

    Laying files over each other is more than this in compose, but not for what ours do.
    """
    whole: Any = {}
    for file in INSTALLATIONS[name][0]:
        text = (DOCKER / file).read_text(encoding="utf-8")
        whole = lay_over(whole, yaml.safe_load(fill(text, variables)))
    return dict(whole)


EVERY_SERVICE = [(name, service) for name in INSTALLATIONS for service in read(name)["services"]]
OURS = [
    (name, service)
    for name, service in EVERY_SERVICE
    if "fh" in str(read(name)["services"][service]["image"])
]
every_service = pytest.mark.parametrize(("name", "service"), EVERY_SERVICE)
ours = pytest.mark.parametrize(("name", "service"), OURS)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("party", {"party-server": 1}),
        ("split", {"mr": 2, "dacha": 2, "edge": 3, "nats": 1, "postgres": 1}),
        ("split-nats3", {"mr": 2, "dacha": 2, "edge": 3, "nats": 3, "postgres": 1}),
    ],
)
def test_an_installation_consists_of(name: str, counts: dict[str, int]) -> None:
    found: dict[str, int] = {}
    for service in read(name)["services"]:
        kind = re.sub(r"-\d$", "", service)
        found[kind] = found.get(kind, 0) + 1
    assert found == counts


@every_service
def test_a_service_may_do_no_more_than_it_must(name: str, service: str) -> None:
    told = read(name)["services"][service]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    user, group = map(int, told["user"].split(":"))
    assert user > 0
    assert group > 0
    assert "privileged" not in told


@every_service
def test_a_service_says_how_it_is(name: str, service: str) -> None:
    told = read(name)["services"][service]
    assert told["healthcheck"]["test"][0] == "CMD"
    assert told["healthcheck"]["interval"] == "5s"
    assert told["restart"] == "unless-stopped"
    limits = told["ulimits"]["nofile"]
    assert limits["soft"] == limits["hard"] > 65_536


@every_service
def test_a_service_waits_until_what_it_needs_is_well(name: str, service: str) -> None:
    services = read(name)["services"]
    for needed, how in services[service].get("depends_on", {}).items():
        assert needed in services
        assert how == {"condition": "service_healthy"}


@every_service
def test_only_what_clients_speak_to_can_be_reached_and_only_from_here(
    name: str, service: str
) -> None:
    whole = read(name)
    told = whole["services"][service]
    ports = told.get("ports", [])
    assert bool(ports) == service.startswith(("party", "mr", "edge"))
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not any(port.endswith(":8701") for port in ports)
    if not ports:
        assert list(told["networks"]) == ["inside"]
        assert whole["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_no_port_is_given_away_twice(name: str) -> None:
    services = read(name)["services"].values()
    ports = [port.rsplit(":", 1)[0] for told in services for port in told.get("ports", [])]
    assert len(set(ports)) == len(ports)


@ours
def test_a_role_takes_its_settings(name: str, service: str) -> None:
    told = read(name, {**SECRETS, "DB_URL": "postgresql://db/fh"})["services"][service]
    [role] = told["command"]
    assert role in SETTINGS
    take(role, told["environment"])
    assert told["environment"]["MONITOR_PORT"] == "8701"


def test_a_party_server_may_be_told_nothing() -> None:
    take("party-server", read("party", {})["services"]["party-server"]["environment"])


@ours
def test_a_role_has_time_to_end_and_somewhere_to_write(name: str, service: str) -> None:
    told = read(name)["services"][service]
    assert told["stop_grace_period"] == "60s"
    assert "/tmp" in told["tmpfs"]
    volumes = [volume.split(":")[1] for volume in told.get("volumes", [])]
    assert "/data" in [*volumes, *told["tmpfs"]]


@pytest.mark.parametrize("name", ["split", "split-nats3"])
@pytest.mark.parametrize("missing", SECRETS)
def test_nothing_starts_without_its_secrets(name: str, missing: str) -> None:
    given = {key: value for key, value in SECRETS.items() if key != missing}
    with pytest.raises(KeyError, match=missing):
        read(name, given)


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_only_who_needs_a_secret_is_told(name: str) -> None:
    knowing: dict[str, set[str]] = {secret: set() for secret in SECRETS}
    for service, told in read(name)["services"].items():
        for secret, value in SECRETS.items():
            if value in str(told):
                knowing[secret].add(re.sub(r"-\d$", "", service))
    if name == "party":
        assert knowing == {"DB_PASSWORD": {"party-server"}, "NATS_TOKEN": set()}
    else:
        assert knowing["DB_PASSWORD"] == {"postgres", "mr"}
        assert knowing["NATS_TOKEN"] == {"nats", "mr", "dacha", "edge"}


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_the_example_of_variables_names_all_there_are(name: str) -> None:
    files, example = INSTALLATIONS[name]
    wanted = {
        found[1]
        for file in files
        for found in _VARIABLE.finditer((DOCKER / file).read_text(encoding="utf-8"))
    }
    lines = (DOCKER / example).read_text(encoding="utf-8").splitlines()
    given = dict(line.lstrip("#").split("=", 1) for line in lines if re.match(r"#?[A-Z_]+=", line))
    assert set(given) == wanted
    # And no secret, not even a bad one, for somebody would keep it.
    assert {given[name] for name in SECRETS if name in given} == {""}


def test_three_nats_are_alike_and_know_each_other() -> None:
    services = read("split-nats3")["services"]
    members = [services[name] for name in ("nats", "nats-2", "nats-3")]
    assert members[0] == members[1] == members[2]
    routes = members[0]["command"][members[0]["command"].index("--routes") + 1]
    assert routes == "nats://nats:6222,nats://nats-2:6222,nats://nats-3:6222"
    for name, told in services.items():
        if name.startswith(("mr", "dacha", "edge")):
            hosts = re.findall(r"@([\w-]+):4222", told["environment"]["NATS_URLS"])
            assert hosts == ["nats", "nats-2", "nats-3"]
            assert set(hosts) <= set(told["depends_on"])


def test_nats_understands_its_configuration(tmp_path: Path) -> None:
    binary = find_binary()
    assert binary is not None, "nats-server comes with the extra `dev`"
    done = subprocess.run(
        [binary, "--config", DOCKER / "nats.conf", "-t"],
        env={"NATS_TOKEN": SECRETS["NATS_TOKEN"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
