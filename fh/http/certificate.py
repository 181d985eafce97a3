"""The certificate that new connections are served with; it follows its files while it is served.

Certificates are renewed by others, file by file: what is there is taken over once both files have
been left alone for a moment, and only if it can be used. Connections that are open keep theirs.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import structlog
import trio

from fh.http.key_pair import KeyPair, KeyPairFiles, KeyPairRefused, load_key_pair

log = structlog.get_logger()

T = TypeVar("T")

_SETTLED_SECONDS = 1.0
"""So long both files must not change before they are read."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """What tells one state of a file from another; a renewal may be a link to another file."""

    device: int
    inode: int
    size: int
    modified_ns: int


class Certificate:
    """A service that owns the key pair in use.

    A first pair that can't be used ends the start with KeyPairRefused; after that there always is
    one.
    """

    def __init__(self, files: KeyPairFiles, *, look_seconds: float) -> None:
        """Follow `files`, looking every `look_seconds`; 0 for only when told to."""
        self._files = files
        self._look_seconds = look_seconds or float("inf")
        self._pair: KeyPair | None = None
        self._marks: tuple[_Mark | None, ...] = ()
        self._told = trio.Event()
        self._told_of_its_end = False

    @property
    def context(self) -> ssl.SSLContext | None:
        """What the next connection is served with; None before the start."""
        return self._pair.context if self._pair is not None else None

    @property
    def ends_at(self) -> datetime | None:
        """When the certificate in use ends to be valid; None before the start."""
        return self._pair.ends_at if self._pair is not None else None

    def reload(self) -> None:
        """Read the files now, changed or not."""
        self._told.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Load the pair and follow its files until cancelled.

        Raises:
            KeyPairRefused: the first pair can't be used.
        """
        if self._pair is None:
            self._marks = await _in_thread(_marks, self._files)
            self._take_over(await _in_thread(load_key_pair, self._files))
        task_status.started()
        seen = self._marks
        while True:
            changed = seen != self._marks
            pause = min(self._look_seconds, _SETTLED_SECONDS) if changed else self._look_seconds
            told = await self._wait(pause)
            marks = await _in_thread(_marks, self._files)
            if told or (changed and marks == seen):
                # Also where they turn out to be of no use: they are complained of once.
                self._marks = marks
                await self._renew()
            seen = marks
            self._look_at_the_clock()

    async def _wait(self, seconds: float) -> bool:
        """Return whether somebody told to read the files, before that many seconds have passed."""
        with trio.move_on_after(seconds):
            await self._told.wait()
        told = self._told.is_set()
        if told:
            self._told = trio.Event()
        return told

    async def _renew(self) -> None:
        try:
            pair = await _in_thread(load_key_pair, self._files)
        except KeyPairRefused as refusal:
            log.error("certificate_refused", part=refusal.part, reason=str(refusal))  # noqa: TRY400  the reason says it all
            return
        now = datetime.now(UTC)
        if self._pair is not None and self._pair.is_valid(now) and not pair.is_valid(now):
            log.error(
                "certificate_refused",
                part="certificate",
                reason="it is not valid now, and the one in use is",
                begins_at=pair.begins_at.isoformat(),
                ends_at=pair.ends_at.isoformat(),
            )
            return
        self._take_over(pair)

    def _take_over(self, pair: KeyPair) -> None:
        renewed, self._pair = self._pair is not None, pair
        self._told_of_its_end = False
        event = "certificate_renewed" if renewed else "certificate_loaded"
        log.info(event, path=str(self._files.certificate), ends_at=pair.ends_at.isoformat())
        self._look_at_the_clock()

    def _look_at_the_clock(self) -> None:
        """Say once that clients refuse the certificate in use."""
        pair, now = self._pair, datetime.now(UTC)
        if pair is None or self._told_of_its_end or pair.is_valid(now):
            return
        self._told_of_its_end = True
        log.warning(
            "certificate_not_valid",
            begins_at=pair.begins_at.isoformat(),
            ends_at=pair.ends_at.isoformat(),
        )


async def _in_thread(read: Callable[[KeyPairFiles], T], files: KeyPairFiles) -> T:
    # A disk that hangs must not hold the end of the process up.
    return await trio.to_thread.run_sync(read, files, abandon_on_cancel=True)


def _marks(files: KeyPairFiles) -> tuple[_Mark | None, ...]:
    return tuple(_mark(path) for path in (files.certificate, files.key))


def _mark(path: Path) -> _Mark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Mark(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
