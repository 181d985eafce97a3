"""The snippets of docs/openfeature.md, run as they stand there but for the URL and the key."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.admin import Project
from tests.e2e.openfeature import (
    install_python_provider,
    install_server_provider,
    install_web_provider,
)
from tests.e2e.party import Party
from tests.e2e.sdks import ROOT, InstalledSdk
from tests.e2e.wire import wait_polled

pytestmark = pytest.mark.e2e

DOCUMENT = ROOT / "docs" / "openfeature.md"
FRED_ONLY = {
    "name": "fred",
    "value": True,
    "attributes": [
        {"conditional": "EQUALS", "fieldName": "userkey", "type": "STRING", "values": ["fred"]},
        {"conditional": "EQUALS", "fieldName": "plan", "type": "STRING", "values": ["pro"]},
    ],
}


@pytest.fixture(scope="module")
def python_provider() -> InstalledSdk:
    return install_python_provider()


@pytest.fixture(scope="module")
def server_provider() -> InstalledSdk:
    return install_server_provider()


@pytest.fixture(scope="module")
def web_provider() -> InstalledSdk:
    return install_web_provider()


@pytest.fixture
def flag(party: Party, project: Project) -> Project:
    """A project whose dark mode is for fred alone."""
    project.create("dark-mode", "BOOLEAN", False)
    project.save("dark-mode", rolloutStrategies=[FRED_ONLY])
    project.create("last", "BOOLEAN", True)
    wait_polled(party.server.port, project.client_key, **{"dark-mode": False, "last": True})
    return project


def snippet(language: str, holding: str, party: Party, project: Project) -> str:
    """Return the one snippet that holds a text, for this server."""
    bodies = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    [found] = [body for body in bodies if holding in body]
    return filled_in(found, party, project)


def filled_in(text: str, party: Party, project: Project) -> str:
    text = text.replace("http://localhost:8085", party.server.url)
    return text.replace("ENVIRONMENT-ID/KEY", project.server_key)


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def module(directory: Path, code: str, node_path: str) -> str:
    """Write an ES module beside the packages that it imports, which ignores NODE_PATH."""
    (directory / "node_modules").symlink_to(node_path)
    file = directory / "snippet.mjs"
    file.write_text(code, encoding="utf-8")
    return str(file)


def test_python(party: Party, flag: Project, python_provider: InstalledSdk) -> None:
    python, *_ = python_provider.command
    assert output(python, "-c", snippet("python", "OFREPProvider", party, flag)) == "True\n"


def test_javascript_on_a_server(
    party: Party, flag: Project, server_provider: InstalledSdk, tmp_path: Path
) -> None:
    node, *_ = server_provider.command
    code = snippet("js", "OFREPProvider", party, flag)
    file = module(tmp_path, code, server_provider.environment["NODE_PATH"])
    assert output(node, file) == "true\n"


def test_javascript_in_a_page(
    party: Party, flag: Project, web_provider: InstalledSdk, tmp_path: Path
) -> None:
    *node, _ = web_provider.command
    code = snippet("js", "OFREPWebProvider", party, flag)
    command = [*node, module(tmp_path, code, web_provider.environment["NODE_PATH"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as page:
        try:
            assert page.stdout is not None
            assert page.stdout.readline() == "true\n"
            flag.save("dark-mode", rolloutStrategies=[])
            assert page.stdout.readline() == "false\n"
        finally:
            page.kill()


def test_curl(party: Party, flag: Project) -> None:
    [command] = re.findall(
        r"^    (curl .*?)\n\n", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert '"value":true' in output("sh", "-c", filled_in(command, party, flag))
