"""What a Dacha holds, in a sealed file, and back.

Records are made and read on the loop, a few at a time, so that nobody waits for it; sealing and
the disk are a worker thread's business. Nothing is kept twice in memory.
"""

import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

import trio

from fh.dacha.holdings import Holdings, Knowledge, RecordsTaken
from fh.dacha.replaced_file import ReplacedFile
from fh.errors import FeatureHubError
from fh.wire.last_known import (
    Account,
    Environment,
    Head,
    Malformed,
    Record,
    RecordReader,
    encode_record,
)
from fh.wire.sealed import (
    PART_BYTES,
    NotSealed,
    Opener,
    OtherKey,
    Sealer,
    SealRefused,
    UnknownVersion,
)
from fh.wire.sealing_key import SealingKey

T = TypeVar("T")

_PIECE_BYTES: Final = 64 * 1024


class LastKnownRefused(FeatureHubError):
    """`file` can't be relied on for `reason`; `hint` says what an operator can do."""

    def __init__(self, file: Path, reason: str, hint: str) -> None:
        super().__init__(f"{file} is refused: {reason}; {hint}")
        self.file = file
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: its size, and what did not fit into it."""

    bytes: int
    left_out: int


async def read_knowledge(path: Path, key: SealingKey, origin: str) -> tuple[Head, Knowledge] | None:
    """Return what the file at `path` tells of the installation `origin`; None without a file.

    All of it is known to be genuine then, but for its age: an older one looks as good.

    Raises:
        LastKnownRefused: it was changed, is incomplete, comes from elsewhere or can't be read.
    """
    in_thread = _worker()
    parts = _opened(path, key)
    reader, taken = RecordReader(), RecordsTaken()
    try:
        with _collector_paused():
            while (part := await in_thread(partial(next, parts, None))) is not None:
                for record in reader.feed(part):
                    taken.take(record)
        reader.end()
        head, knowledge = taken.end()
    except FileNotFoundError:
        return None
    except (OSError, SealRefused, Malformed) as refusal:
        reason, hint = _explained(refusal)
        raise LastKnownRefused(path, reason, hint) from refusal
    if head.origin != origin:
        # Neither is shown: the address of a database may hold its password.
        raise LastKnownRefused(
            path,
            "it belongs to another installation, or the address of what is cached was changed",
            "give each installation a file of its own; after a change of address remove the file",
        )
    return head, knowledge


async def write_holdings(
    path: Path,
    key: SealingKey,
    head: Head,
    holdings: Holdings,
    *,
    most_bytes: int,
    aside: Path | None = None,
) -> Written:
    """Replace the file at `path`, which goes to `aside` where that is given.

    It is replaced when the new one is complete, and stays as it is on any failure. What was used
    longest ago is left out when the new one has `most_bytes`.

    Raises:
        OSError: it can't be written, for want of room for example.
    """
    in_thread = _worker()
    file = await in_thread(partial(_SealedFile, path, key, aside))
    taken = _Taken()
    try:
        for piece in _pieces(head, holdings, taken, most_bytes):
            await in_thread(partial(file.write, piece))
        await in_thread(file.finish)
    except Exception:
        # Not on cancellation, for the thread may be at it still: the next start tidies up.
        await in_thread(file.discard)
        raise
    total = len(holdings.accounts) + len(holdings.environments)
    return Written(file.bytes, total - taken.entries)


class _SealedFile:
    """The newer file; for a worker thread."""

    def __init__(self, path: Path, key: SealingKey, aside: Path | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._aside = aside
        self._sealer = Sealer(key)
        self._file = ReplacedFile(path)
        self.bytes = 0

    def write(self, piece: bytes) -> None:
        self._put(self._sealer.seal(piece))

    def finish(self) -> None:
        self._put(self._sealer.end())
        if self._aside is not None:
            with suppress(FileNotFoundError):
                self._path.replace(self._aside)
        self._file.finish()

    def discard(self) -> None:
        self._file.discard()

    def _put(self, sealed: bytes) -> None:
        self._file.write(sealed)
        self.bytes += len(sealed)


@dataclass(slots=True)
class _Taken:
    entries: int = 0


def _pieces(head: Head, holdings: Holdings, taken: _Taken, most_bytes: int) -> Iterator[bytes]:
    """Return the records in pieces that take about a millisecond each."""
    piece = bytearray(encode_record(head))
    size = 0
    for record in holdings.records():
        if _begins_entry(record):
            if size >= most_bytes:
                break
            taken.entries += 1
        text = encode_record(record)
        size += len(text)
        piece += text
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _begins_entry(record: Record) -> bool:
    return isinstance(record, Account | Environment)


def _opened(path: Path, key: SealingKey) -> Iterator[bytes]:
    """Return the content of the file in parts; for a worker thread."""
    opener = Opener(key)
    with path.open("rb") as file:
        while data := file.read(PART_BYTES):
            yield from opener.feed(data)
    opener.end()


def _explained(refusal: Exception) -> tuple[str, str]:
    match refusal:
        case OtherKey():
            hint = "set fh.last-known.key to the key it was written with, or remove the file"
        case UnknownVersion():
            hint = "start the fh that wrote it, or remove the file"
        case NotSealed():
            hint = "set fh.last-known.file to another name"
        case OSError():
            return refusal.strerror or str(refusal), "see to it that this process may read it"
        case _:
            hint = "put a good copy in its place, or remove the file"
    return str(refusal), hint


@contextmanager
def _collector_paused() -> Iterator[None]:
    # A million new objects, all of them to stay: looking at them over and over again is nine
    # tenths of the time it takes, and looking at all of them afterwards holds up the loop.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()


class _InThread(Protocol):
    def __call__(self, work: Callable[[], T]) -> Awaitable[T]: ...


def _worker() -> _InThread:
    limiter = trio.CapacityLimiter(1)

    def in_thread(work: Callable[[], T]) -> Awaitable[T]:
        # A disk may hang; whoever wants to end does not wait for it.
        return trio.to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)

    return in_thread
