"""The import contracts hold, and each of them notices when it is broken."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
NAMES = {contract["id"]: contract["name"] for contract in CONTRACTS}


def lint_imports(directory: Path, *options: str) -> tuple[int, str]:
    """Check the packages in `directory`; return the exit status and the report on one line."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", *options]
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of everything that the linter reads."""
    copy = tmp_path_factory.mktemp("pristine")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("fh", "bench"):
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.sql")
        )
    return copy


@pytest.fixture
def copied(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "copy"))


def broken_in(copied: Path) -> set[str]:
    """Return the ids of the contracts that the copy breaks."""
    status, report = lint_imports(copied, "--no-cache")
    broken = {name for name in NAMES if re.search(re.escape(NAMES[name]) + " BROKEN", report)}
    assert (status != 0) == bool(broken), report
    return broken


def test_every_contract_is_kept() -> None:
    status, report = lint_imports(ROOT)
    assert status == 0, report
    assert f"{len(NAMES)} kept, 0 broken" in report


OFFENCES = [
    # Each layer's neighbours and the one above it.
    ("fh/cli.py", "import fh.__main__", {"layers"}),
    ("fh/roles/settings/roles.py", "import fh.cli", {"layers"}),
    ("fh/mr/access.py", "import fh.roles.settings", {"layers"}),
    ("fh/mr/access.py", "import fh.dacha.view", {"layers"}),
    ("fh/dacha/view.py", "import fh.mr.access", {"layers"}),
    ("fh/edge/view.py", "import fh.dacha.view", {"layers"}),
    ("fh/dacha/view.py", "import fh.edge.view", {"layers"}),
    ("fh/http/body.py", "import fh.mr.access", {"layers"}),
    ("fh/db/dsn.py", "import fh.http.cors", {"layers"}),
    ("fh/bus/port.py", "import fh.db.dsn", {"layers"}),
    ("fh/aio.py", "import fh.bus.port", {"layers"}),
    ("fh/inbox.py", "import fh.aio", {"layers"}),
    ("fh/wire/sse.py", "import fh.inbox", {"layers", "pure"}),
    ("fh/contracts/merge.py", "import fh.wire.sse", {"layers"}),
    ("fh/strategies/__init__.py", "import fh.contracts.merge", {"layers"}),
    ("fh/model/ids.py", "import fh.contracts.merge", {"layers"}),
    ("fh/model/ids.py", "import fh.actors.errors", {"layers"}),
    ("fh/actors/errors.py", "import fh.model.ids", {"layers"}),
    ("fh/actors/errors.py", "import fh.contracts.merge", {"layers"}),
    ("fh/actors/errors.py", "import fh.inbox", {"layers"}),
    ("fh/config.py", "import fh.model.ids", {"layers"}),
    ("fh/config.py", "import fh.log", {"layers", "pure"}),
    ("fh/errors.py", "import fh.config", {"layers"}),
    ("fh/somewhere_else.py", "import fh.errors", {"layers"}),
    ("fh/roles/settings/roles.py", "import bench.text", {"bench"}),
    # Purity, direct and through somebody else.
    ("fh/model/ids.py", "import trio", {"pure"}),
    ("fh/contracts/merge.py", "import socket", {"pure"}),
    ("fh/strategies/__init__.py", "import structlog", {"pure"}),
    ("fh/wire/sse.py", "import asyncio", {"pure", "asyncio", "edge"}),
    ("fh/wire/sse.py", "import fh.log", {"pure"}),
    # Edge, direct and through somebody else.
    ("fh/edge/view.py", "import quart", {"edge", "quart"}),
    ("fh/edge/view.py", "import asyncpg", {"edge", "asyncpg"}),
    ("fh/edge/view.py", "import fh.db.driver", {"edge"}),
    ("fh/edge/view.py", "import fh.aio", {"edge"}),
    ("fh/edge/view.py", "import fh.http.quart_app", {"edge"}),
    # Each foreign library in its place.
    ("fh/mr/access.py", "import asyncio.tasks", {"asyncio"}),
    ("fh/http/body.py", "from asyncio import sleep", {"asyncio"}),
    ("bench/text.py", "import asyncio", {"asyncio"}),
    ("fh/mr/repositories/features.py", "import asyncpg", {"asyncpg"}),
    ("fh/aio.py", "import asyncpg.pool", {"asyncpg"}),
    ("fh/db/listen.py", "import nats.aio.client", {"nats"}),
    ("fh/mr/access.py", "from quart import request", {"quart"}),
    ("fh/roles/party_server.py", "import hypercorn.trio", {"quart"}),
    ("fh/mr/services/features.py", "import quart_trio", {"quart"}),
]


@pytest.mark.parametrize(("file", "line", "broken"), OFFENCES)
def test_an_offending_import_breaks_its_contract(
    copied: Path, file: str, line: str, broken: set[str]
) -> None:
    with (copied / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    assert broken_in(copied) == broken


def test_every_contract_has_its_offence() -> None:
    assert {name for _, _, broken in OFFENCES for name in broken} == set(NAMES)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("fh/bus/memory.py", "import nats.aio.client"),
        ("fh/bus/memory.py", "import asyncio"),
        ("fh/db/dsn.py", "import asyncpg"),
        ("fh/mr/http/setup.py", "from quart import request"),
        ("fh/actors/errors.py", "import fh.config"),
        ("bench/text.py", "import fh.edge.view"),
    ],
)
def test_what_is_allowed_breaks_nothing(copied: Path, file: str, line: str) -> None:
    with (copied / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    assert broken_in(copied) == set()
