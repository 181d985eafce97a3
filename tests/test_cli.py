"""The command line as a person meets it: the real command, in a process of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fh.config import properties_of
from fh.roles.settings.roles import PartyServerSettings

SECONDS = 60
# Whatever the person who runs the tests has set must not reach the commands.
PLAIN_ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name in {"PATH", "HOME", "LANG", "TMPDIR", "FH_PG_BIN"}
}


def run(
    *arguments: str, directory: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `fh` to its end, and whatever it started with it."""
    with subprocess.Popen(
        [sys.executable, "-m", "fh", *arguments],
        cwd=directory,
        env={**PLAIN_ENVIRONMENT, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def test_help_names_the_commands(tmp_path: Path) -> None:
    done = run("--help", directory=tmp_path)
    assert done.returncode == 0
    assert "party-server" in done.stdout
    assert "settings" in done.stdout


def test_help_for_the_server_tells_its_options_and_how_to_go_on(tmp_path: Path) -> None:
    done = run("party-server", "-h", directory=tmp_path)
    assert done.returncode == 0
    for option in ("--port", "--host", "--data-dir", "--properties"):
        assert option in done.stdout
    assert "fh settings" in done.stdout


def test_version(tmp_path: Path) -> None:
    done = run("--version", directory=tmp_path)
    assert re.fullmatch(r"fh, version \d+\.\d+\.\d+\n", done.stdout)


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    done = run("party-sever", directory=tmp_path)
    assert done.returncode == 2
    assert "party-sever" in done.stderr


def test_settings_lists_every_property_with_its_default(tmp_path: Path) -> None:
    done = run("settings", directory=tmp_path)
    assert done.returncode == 0
    listed = dict(re.findall(r"^([\w.-]+)=(.*)$", done.stdout, re.MULTILINE))
    assert [*listed] == [*properties_of(PartyServerSettings)]
    assert listed["server.port"] == "8085"
    assert listed["dacha2.cache.all-updates"] == "true"
    assert listed["db.password"] == ""
    assert listed["nats.urls"] == ""
    assert listed["fh.data-dir"] == "data"
    for known, _ in properties_of(PartyServerSettings).values():
        assert known.summary in done.stdout


def test_all_settings_are_those_and_what_does_nothing_with_the_reason(tmp_path: Path) -> None:
    few = run("settings", "edge", directory=tmp_path).stdout
    done = run("settings", "edge", "--all", directory=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(few)
    assert "\nlisten.pool-size\n    there is no pool of threads to size\n" in done.stdout
    assert "dacha.busy-timeout" not in done.stdout  # another role's
    assert run("settings", "egde", directory=tmp_path).returncode == 2


def test_a_misspelt_name_of_ours_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "fh.properties").write_text("fh.log.levle=debug\n", encoding="utf-8")
    done = run("mr", "--properties", "fh.properties", directory=tmp_path)
    assert done.returncode == 2
    assert "  fh.log.levle: is not known: did you mean fh.log.level?" in done.stderr.splitlines()


def test_what_is_set_in_vain_is_told_in_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "fh.properties").write_text("webhooks.features.enabled=true\n", encoding="utf-8")
    done = run(
        "party-server", "--properties", "fh.properties", "--host", "192.0.2.1",
        directory=tmp_path,
        environ={"LISTEN_POOL_SIZE": "20", "DACHA1_ENABLED": "false"},
    )  # fmt: skip
    failure(done)
    warnings = [json.loads(line) for line in done.stdout.splitlines()][:-1]
    assert {each["property"]: each["event"] for each in warnings} == {
        "webhooks.features.enabled": "property_without_effect",
        "listen.pool-size": "property_without_effect",
    }


def test_the_listed_defaults_are_accepted_as_they_are(tmp_path: Path) -> None:
    # A fault further on shows that nothing before it was one.
    listed = run("settings", directory=tmp_path).stdout
    lines = [line for line in listed.splitlines() if not line.startswith(" ")]
    (tmp_path / "all.properties").write_text("\n".join(lines), encoding="utf-8")
    done = run("party-server", "--properties", "all.properties", "--port", "x", directory=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == [
        "  server.port: expected a whole number from 0 to 65535, not 'x'"
    ]


def test_faults_are_told_together_a_line_for_each(tmp_path: Path) -> None:
    (tmp_path / "fh.properties").write_text("db.maxConnections=none\n", encoding="utf-8")
    done = run(
        "party-server", "--properties", "fh.properties", "--port", "70000",
        directory=tmp_path,
        environ={"FH_LOG_LEVEL": "loud", "DB_PASSWORD": "hunter2", "NATS_URLS": "http://h"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    title, *faults = done.stderr.splitlines()
    assert title == "The configuration can't be used:"
    assert [fault.split(":")[0].strip() for fault in faults] == [
        "server.port",
        "fh.log.level",
        "db.maxConnections",
        "nats.urls",
        "db.url",
    ]
    assert "hunter2" not in done.stderr


def test_a_properties_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    done = run("party-server", "--properties", "missing.properties", directory=tmp_path)
    assert done.returncode == 2
    assert "missing.properties" in done.stderr.splitlines()[1]
    assert "Traceback" not in done.stderr


def failure(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the one error in the log of a server that could not start."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    logged = [json.loads(line) for line in done.stdout.splitlines()]
    (error,) = [line for line in logged if line["level"] == "error"]
    assert error is logged[-1]
    assert not [line for line in logged if "exception" in line]
    return error


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_port_in_use_is_told_in_one_line(host: str, tmp_path: Path) -> None:
    with socket.create_server((host, 0)) as taken:
        port = taken.getsockname()[1]
        done = run("party-server", "--port", str(port), "--host", host, directory=tmp_path)
    reason = failure(done)["reason"]
    assert str(port) in reason
    assert "--port" in reason
    # It looked before it touched any data.
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_not_ours_is_told_in_one_line(tmp_path: Path) -> None:
    done = run("party-server", "--port", "0", "--host", "192.0.2.1", directory=tmp_path)
    assert failure(done)["event"] == "start_failed"


@pytest.mark.parametrize("below", ["", "below/it"])
def test_an_unusable_data_directory_is_told_in_one_line(below: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    done = run("party-server", "--port", "0", "--data-dir", f"taken/{below}", directory=tmp_path)
    assert "taken" in failure(done)["reason"]


def test_an_address_of_another_kind_of_database_is_a_fault(tmp_path: Path) -> None:
    done = run(
        "party-server", "--port", "0",
        directory=tmp_path,
        environ={"DB_URL": "mysql://ann:hunter2@h/d"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "db.url" in done.stderr
    assert "hunter2" not in done.stderr
