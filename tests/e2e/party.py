"""A running deployment with its administrator, and the ways in which SDKs connect to it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.admin import Admin, Project
from tests.e2e.sdk_process import Mode, SdkProcess
from tests.e2e.sdks import InstalledSdk
from tests.e2e.server import PartyServer, Server, SplitServer

# Streams that stay open for as long as a test that says nothing else lasts.
LONG_STREAMS = {"EDGE_SSE_DROP_AFTER_SECONDS": "600"}

SHAPES = ("party", "split")


def shape() -> str:
    """Return the shape of the deployment that the tests want who say nothing else."""
    wanted = os.environ.get("FH_E2E_SHAPE", "party")
    assert wanted in SHAPES, f"FH_E2E_SHAPE is {wanted!r}, not one of {SHAPES}"
    return wanted


@dataclass(frozen=True, slots=True)
class Party:
    server: Server
    admin: Admin


@contextmanager
def open_party(
    directory: Path,
    settings: Mapping[str, str] = LONG_STREAMS,
    prefix: Sequence[str] = (),
) -> Iterator[Party]:
    """Start a deployment on an empty data directory; sign its first administrator in.

    `prefix` is a command that starts another one, such as setpriv.
    """
    make = SplitServer if shape() == "split" else PartyServer
    with serving(make(directory, settings, prefix)) as party:
        yield party


@contextmanager
def serving(server: Server) -> Iterator[Party]:
    """Start `server`; sign its first administrator in."""
    try:
        server.start()
        with Admin(server.admin_url) as admin:
            admin.sign_in()
            yield Party(server, admin)
        assert server.stop() == 0, server.log()
    finally:
        server.discard()


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of using an SDK: which, how it hears of changes, and who applies strategies."""

    sdk: InstalledSdk
    mode: Mode
    evaluation: str

    @property
    def is_python(self) -> bool:
        return self.sdk.name == "python"

    @property
    def is_browser(self) -> bool:
        return self.sdk.name == "browser"

    @property
    def sends_context(self) -> bool:
        """Whether the server hears of the context; the Python SDK sends none on a stream."""
        return self.evaluation == "server" and not (self.is_python and self.mode is Mode.SSE)

    @property
    def notices_absence(self) -> bool:
        """Whether a feature that a full list lacks is gone; the Python SDK keeps it."""
        return not self.is_python

    @property
    def survives_refusal(self) -> bool:
        """Whether it goes on after a refused connection.

        Node's polling never leaves its busy state, Python's threads die of the exception: there
        the application has to connect again.
        """
        return self.is_browser or (not self.is_python and self.mode is Mode.SSE)

    def connect(self, party: Party, project: Project, **options: Any) -> SdkProcess:
        key = project.key(self.evaluation)
        return SdkProcess(self.sdk, party.server.url, key, self.mode, **options)
