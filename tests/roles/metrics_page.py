"""The metrics that docs/metrics.md tells of, and those that each role shows."""

import re
import socket
from pathlib import Path

from fh.config import Secret
from fh.db.dsn import Dsn
from fh.edge.door import reserve
from fh.roles.kinds import role_kind
from fh.roles.role import Role
from fh.roles.settings.roles import SETTINGS
from tests.http.certificates import write_pair
from tests.roles.test_split import ask, listener

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"

HOST = "127.0.0.1"
OPERATION = "<operation>_histogram"

_ROW = re.compile(r"^\| `([^`]+)` \| (\w+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_TYPE = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)
# An operation's name is an identifier of the API: `listFeatures`, but `edge_sse` is none.
_OPERATION = re.compile(r"[a-z][A-Za-z0-9]*_histogram")


def documented() -> dict[str, dict[str, str]]:
    """Return the metrics of each role with their types, as the page has them."""
    found: dict[str, dict[str, str]] = {role: {} for role in SETTINGS}
    for name, kind, roles, _, _ in _ROW.findall(PAGE.read_text(encoding="utf-8")):
        for role in SETTINGS if roles == "all" else roles.split(", "):
            assert name not in found[role], f"{name} stands there twice"
            found[role][name] = kind
    return found


async def shown(port: int) -> dict[str, str]:
    """Return the metrics that the role behind `port` shows, with their types."""
    status, text = await ask(port, "/metrics")
    assert status == 200
    found = dict(_TYPE.findall(text.decode()))
    return {
        OPERATION if _OPERATION.fullmatch(name) else name: kind
        for name, kind in found.items()
        if not name.endswith("_created")
    }


def in_full_dress(name: str, monitor: socket.socket, directory: Path, dsn: Dsn) -> Role:
    """Return a role with everything on that has figures of its own."""
    files = write_pair(directory)
    dress: dict[str, object] = {
        "tls_certificate": str(files.certificate),
        "tls_key": str(files.key),
    }
    if name in {"party-server", "mr", "dacha", "edge"}:
        dress["nats_urls"] = ("nats://127.0.0.1:1",)
    if name in {"party-server", "edge"}:
        dress["workers"] = 2
    if name in {"party-server", "dacha", "edge"}:
        dress["last_known_file"] = str(directory / f"{name}.known")
        dress["last_known_key"] = Secret("correct horse battery staple")
    if name in {"party-server", "mr", "edge-rest", "party-server-ish"}:
        dress |= {"database_url": dsn.url, "database_user": dsn.user}
    match name:
        case "dacha":
            dress["management_url"] = "http://127.0.0.1:1"
        case "edge":
            dress["dacha_url"] = "http://127.0.0.1:1"
    kind = role_kind(name)
    settings = kind.settings(port=0, host=HOST, grace_seconds=0, **dress)
    keeps = "workers" in dress
    return kind.build(settings, reserve(HOST, 0) if keeps else listener(), monitor)
