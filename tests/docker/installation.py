"""What the tests of `docker/` share: tools, and whether a role takes what it would be told."""

import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fh.config import load_settings, properties_of
from fh.roles.kinds import role_kind
from tests.e2e.sdks import must_run

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"


def find_tool(name: str) -> str:
    """Return a program of the development dependencies; skip the test where there is none."""
    beside = Path(sys.executable).with_name(name)
    if found := shutil.which(beside) or shutil.which(name):
        return found
    if must_run():
        pytest.fail(f"{name} is missing, and nothing may be skipped here", pytrace=False)
    pytest.skip(f"{name} is not installed: it comes with the extra `dev`, where it has a wheel")


def take(role: str, environ: Mapping[str, str]) -> None:
    """Fail unless `role` knows every variable of `environ`, and could start with them.

    Raises:
        ConfigurationFaults: it could not.
    """
    kind = role_kind(role)
    properties = set(properties_of(kind.settings))
    in_capitals = {re.sub(r"[.\-]", "_", name.upper()) for name in properties}
    assert set(environ) <= properties | in_capitals
    load_settings(kind.settings, environ=environ, check=kind.check)
