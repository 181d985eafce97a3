"""What docs/people.md asks for is there."""

import re
from pathlib import Path

import pytest

from fh.http.table import Matched, RouteTable
from fh.mr.http.app import mr_routes
from fh.mr.settings import MrSettings
from fh.roles.settings.mr import MrPartSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "people.md").read_text(encoding="utf-8")
COMMAND = re.compile(
    r"(?:as \$\w+|j) (?P<options>[^\n]*?)\"?\$MR(?P<path>/[^\s\"?]+)(?P<rest>[^\n]*)"
)
ID = "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11"


def commands() -> list[tuple[str, str]]:
    found = []
    for command in COMMAND.finditer(PAGE):
        method = re.search(r"-X (\w+)", command["options"])
        has_body = " -d" in command["rest"]
        path = re.sub(r"\$\w+", ID, command["path"])
        found.append((method[1] if method else "POST" if has_body else "GET", f"/mr-api{path}"))
    return found


@pytest.mark.parametrize(("method", "path"), commands())
def test_a_command_has_an_operation(method, path):
    table = RouteTable(mr_routes(None, MrSettings()))
    assert isinstance(table.match(method, path.encode()), Matched)


def test_the_page_has_commands():
    assert len(set(commands())) >= 12


def test_the_defaults_on_the_page_are_the_settings():
    settings = MrPartSettings()
    for name, value in (
        ("fh.session.idle-minutes", settings.session_idle_minutes),
        ("fh.session.lifetime-minutes", settings.session_minutes),
        ("fh.login.failures-per-minute", settings.login_failures),
        ("fh.login.failures-per-minute-and-address", settings.login_failures_by_address),
    ):
        assert f"| `{name}` | {value} |" in PAGE
