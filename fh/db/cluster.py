"""The embedded server's directory: who may use it, how it comes into being, what a crash left.

<data_dir>/
    fh.lock         held by the process that runs the server
    cluster/        PostgreSQL's own data directory
    cluster.new/    one being made; it gets its name when it is complete
    run/            the Unix socket, for this user only
    postgres.log    what the server says
"""

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trio

from fh.db.binaries import Binaries
from fh.db.errors import EmbeddedServerFailed
from fh.db.launch import NOBODY, Launch

USER = "fh"
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 107  # what the kernel takes
_FIRST_BUILTIN_LOCALE = 17


class DataDirectory:
    """The paths in one data directory, and the steps to a cluster that can be started."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.cluster = self.root / "cluster"
        self.log = self.root / "postgres.log"
        self.pid_file = self.cluster / "postmaster.pid"
        self.socket_directory = _socket_directory(self.root)
        self._unfinished = self.root / "cluster.new"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the directory and be its only user among processes.

        Raises:
            EmbeddedServerFailed: another process uses it, or it can't be written.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.root / "fh.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(self.root, error) from error
        try:
            try:
                # A record lock: unlike flock's it does not live on in forked children.
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
                raise EmbeddedServerFailed(
                    f"the data directory {self.root} is in use by another process (pid {holder})"
                ) from error
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def major(self) -> int | None:
        """Return the version of PostgreSQL that made the cluster; None when there is none yet."""
        try:
            return int((self.cluster / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _unusable(self.cluster, error) from error

    async def prepare(self, binaries: Binaries, launch: Launch) -> None:
        """Make the cluster when there is none, and give everything the right owner.

        Raises:
            EmbeddedServerFailed: with the reason.
        """
        try:
            shutil.rmtree(self._unfinished, ignore_errors=True)  # of a start that was killed
            _own(self.root, launch)
            self._make_socket_directory(launch)
            if self.cluster.exists():
                _own_all(self.cluster, launch)
            else:
                self._unfinished.mkdir(mode=0o700)
                _own(self._unfinished, launch)
                await _initdb(self._unfinished, binaries, launch)
                self._unfinished.rename(self.cluster)
        except OSError as error:
            raise _unusable(self.root, error) from error

    def _make_socket_directory(self, launch: Launch) -> None:
        """Make it anew: a lock file in it that names a reused pid would stop the server."""
        directory = self.socket_directory
        try:
            found = directory.lstat()
        except FileNotFoundError:
            pass
        else:
            # It may be in a directory open to all: never touch what somebody else put there.
            # Root may have been nobody the last time.
            ours = {0, NOBODY} if os.geteuid() == 0 else {os.geteuid()}
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
                raise EmbeddedServerFailed(f"{directory} belongs to somebody else")
            shutil.rmtree(directory)
        directory.mkdir(mode=0o700)
        _own(directory, launch)


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for PostgreSQL: no settings or locale of the user who starts us."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("PG", "LC_")) and name not in {"LANG", "LANGUAGE"}
    }
    # With a given time zone initdb does not search the system for its name.
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


async def _initdb(directory: Path, binaries: Binaries, launch: Launch) -> None:
    if binaries.major >= _FIRST_BUILTIN_LOCALE:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    else:
        locale = ["--locale=C.UTF-8"]
    made = await trio.run_process(
        [
            *launch.prefix,
            str(binaries.initdb),
            f"--pgdata={directory}",
            f"--username={USER}",
            "--auth=trust",  # only who can enter the socket's directory gets so far
            "--encoding=utf8",
            "--no-instructions",
            *locale,
        ],
        stdin=b"",
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
        env=child_environment(os.environ),
        cwd="/",  # the current directory may be closed to the user it becomes
        **launch.options(),
    )
    if made.returncode != 0:
        words = made.stdout.decode(errors="replace").strip().splitlines()[-5:]
        hint = (
            f"; without user namespaces the directory must be reachable by uid {launch.uid}"
            if launch.uid is not None
            else ""
        )
        raise EmbeddedServerFailed(
            f"initdb of PostgreSQL {binaries.major} could not make {directory.parent}: "
            f"{' | '.join(words)}{hint}"
        )


def _socket_directory(root: Path) -> Path:
    inside = root / "run"
    if len(os.fsencode(inside / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES:
        return inside
    # The same one after each restart, so that a killed process leaves nothing behind for good.
    name = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"fh-postgres-{os.geteuid()}-{name}"


def _own(path: Path, launch: Launch) -> None:
    # Only root can and must: the owner changes with the way PostgreSQL is started.
    if os.geteuid() == 0 and path.stat().st_uid != launch.owner():
        os.chown(path, launch.owner(), launch.owner())


def _own_all(path: Path, launch: Launch) -> None:
    if os.geteuid() == 0 and path.stat().st_uid != launch.owner():
        for directory, _, files in os.walk(path):
            for name in ("", *files):
                os.chown(
                    os.path.join(directory, name),  # noqa: PTH118 - os.walk gives strings
                    launch.owner(),
                    launch.owner(),
                    follow_symlinks=False,
                )


def _unusable(path: Path, error: Exception) -> EmbeddedServerFailed:
    return EmbeddedServerFailed(f"the data directory {path} can't be used: {error}")
