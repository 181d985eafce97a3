"""The image: linted, and what a container may rely on."""

import json
import re
import subprocess
import tomllib

import pytest

from fh.config import properties_of
from fh.roles.kinds import role_kind
from fh.roles.settings.roles import SETTINGS
from tests.docker.installation import DOCKER, ROOT, find_tool, take

Instruction = tuple[str, str]


def read_stages() -> list[list[Instruction]]:
    """Return the instructions of each stage, from its FROM on."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[Instruction]] = []
    for line in filter(None, text.splitlines()):
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append((word, rest.strip()))
    return stages


STAGES = read_stages()
IMAGE = STAGES[-1]


def only(word: str) -> str:
    [found] = [rest for instruction, rest in IMAGE if instruction == word]
    return found


def test_hadolint_has_nothing_to_say() -> None:
    command = [find_tool("hadolint"), "--no-color", str(DOCKER / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_builds_is_not_in_the_image() -> None:
    assert [stage[0][1] for stage in STAGES] == ["${BASE} AS builder", "${BASE}"]
    # So the base may be one without a shell, and no layer is made by anything but a copy.
    assert "RUN" not in {word for word, _ in IMAGE}


def test_the_role_is_the_command() -> None:
    assert json.loads(only("ENTRYPOINT")) == ["fh"]
    assert json.loads(only("CMD"))[0] in SETTINGS


def test_it_runs_as_somebody_with_a_number() -> None:
    assert only("USER") == "${UID}:${UID}"
    [uid] = [rest for word, rest in IMAGE if word == "ARG" and rest.startswith("UID=")]
    assert int(uid.removeprefix("UID=")) > 0


def test_it_ends_with_the_signal_that_drains() -> None:
    assert only("STOPSIGNAL") == "SIGTERM"


def test_it_knows_whether_it_is_well_without_a_shell() -> None:
    command = json.loads(only("HEALTHCHECK").partition(" CMD ")[2])
    assert command[-1] == "/opt/fh/healthy.py"


def image_environment() -> dict[str, str]:
    return dict(part.split("=", 1) for part in only("ENV").split())


@pytest.mark.parametrize("role", SETTINGS)
def test_every_role_knows_where_its_health_is_asked_for(role: str) -> None:
    port = image_environment()["MONITOR_PORT"]
    settings = role_kind(role).settings
    assert "monitor.port" in properties_of(settings)
    exposed = set(only("EXPOSE").split())
    assert {port, str(properties_of(settings)["server.port"][1])} <= exposed


def test_a_party_server_keeps_its_data_in_the_volume() -> None:
    environment = image_environment()
    assert json.loads(only("VOLUME")) == [environment["FH_DATA_DIR"]]
    take("party-server", {name: environment[name] for name in ("FH_DATA_DIR", "MONITOR_PORT")})


def test_the_build_sees_what_it_needs_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    shown = {rule[1:] for rule in rules if rule.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    texts = [project["project"]["readme"], *project["project"]["license-files"]]
    assert shown == {"pyproject.toml", "constraints.txt", "docker/healthy.py", *wheel, *texts}
    assert all((ROOT / name).exists() for name in shown)
