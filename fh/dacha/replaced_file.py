"""A file that takes the place of an older one when it is complete, and not before.

Everything here blocks, and is meant for a worker thread. A process that is killed leaves its
unfinished file behind. Such a file is locked by whoever writes it, so what is not locked is
nobody's and can go.
"""

import fcntl
import glob
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

_UNFINISHED: Final = ".unfinished"
_OWNER_ONLY: Final = 0o600
_CLOSED: Final = -1
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class ReplacedFile:
    """The newer file while it is written, beside the older one; nobody but its owner reads it.

    Raises:
        OSError: it can't be made there.
    """

    __slots__ = ("_descriptor", "_path", "_unfinished")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_UNFINISHED}")
        self._descriptor = os.open(self._unfinished, _FLAGS, _OWNER_ONLY)
        with suppress(OSError):  # where there are no locks, nobody removes what has none
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def write(self, data: bytes) -> None:
        """Write all of `data` at its end.

        Raises:
            OSError: there is no room for it, or the disk failed.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def finish(self) -> None:
        """Take the older one's place, to stay there whatever happens to the machine.

        Raises:
            OSError: the disk failed; which of the two is there is not known, but one is.
        """
        os.fsync(self._descriptor)
        self._unfinished.replace(self._path)
        self._close()
        sync_directory(self._path.parent)

    def discard(self) -> None:
        """Leave the older one where it is."""
        with suppress(OSError):
            self._close()
        with suppress(OSError):
            self._unfinished.unlink()

    def _close(self) -> None:
        # Once only, even if it fails: the number may be somebody else's by then.
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)


def remove_unfinished(path: Path) -> int:
    """Remove what killed processes left behind beside `path`; return how many files it was.

    Raises:
        OSError: the directory can't be read or written.
    """
    removed = 0
    for unfinished in path.parent.glob(f".{glob.escape(path.name)}.*{_UNFINISHED}"):
        try:
            descriptor = os.open(unfinished, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue  # finished meanwhile
        try:
            if _is_nobodys(descriptor):
                unfinished.unlink(missing_ok=True)
                removed += 1
        finally:
            os.close(descriptor)
    return removed


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` survive a loss of power.

    Raises:
        OSError: the disk failed.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_nobodys(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
