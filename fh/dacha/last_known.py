"""Last known good: what a Dacha holds, kept in a file, so that its next process can serve at once.

Written when something changed, and at an orderly stop. Read before the Dacha begins; what it
brought is served until the truth has been asked. A file that can't be relied on is refused: the
process then starts as if there were none and says so, and its first file of its own moves the
refused one aside.

It is to be started before the Dacha, so that it also ends after it and then finds everything
applied; and the Dacha before `Following`, whose beginning is `position`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
import trio

from fh.contracts.event_log import UNNUMBERED
from fh.dacha.dacha import Dacha
from fh.dacha.holdings import Holdings
from fh.dacha.last_known_settings import LastKnownSettings
from fh.dacha.replaced_file import remove_unfinished
from fh.dacha.sealed_holdings import LastKnownRefused, read_knowledge, write_holdings
from fh.wire.last_known import NO_POSITION, Head
from fh.wire.sealing_key import SealingKey

log = structlog.get_logger()

_REFUSED: Final = ".refused"
_EVENTS_BEHIND: Final = 1_000  # far below what MR's log keeps
_LONGEST_PAUSE: Final = 8  # times the usual one, while the disk fails


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LastKnownStatistics:
    """Of this process.

    `restored_…` came from the file it began with, whose content was good `restored_age_seconds`
    ago; `unconfirmed_…` is served still although the truth was not asked since. `written`, `failed`
    count files; `file_bytes`, `file_age_seconds` and `left_out` are of the newest good one.
    """

    restored_environments: int
    restored_accounts: int
    restored_age_seconds: float
    unconfirmed_environments: int
    unconfirmed_accounts: int
    refused: int
    written: int
    failed: int
    left_out: int
    file_bytes: int
    file_age_seconds: float


class LastKnown:
    """Keeps what `dacha` holds in the file of `settings`; a service, for one process at a time."""

    def __init__(
        self,
        dacha: Dacha,
        settings: LastKnownSettings,
        *,
        origin: str,
        position: Callable[[], int] = lambda: NO_POSITION,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Prepare for the installation `origin`, which is never shown.

        `position` returns the number that events are followed up to.

        Raises:
            ValueError: the settings name no file, or their key is too weak.
        """
        path = settings.path()
        if path is None:
            raise ValueError("there is no file to keep anything in")
        self._dacha = dacha
        self._path = path
        self._key = SealingKey(settings.key)
        self._settings = settings
        self._origin = origin
        self._followed_to = position
        self._now = now
        self._stopping = trio.Event()
        self._has_begun = False
        self._head: Head | None = None
        self._saved: Holdings | None = None
        self._saved_position = NO_POSITION
        self._saved_at: datetime | None = None
        self._is_confirmed = False
        self._refused_path = path.with_name(path.name + _REFUSED)
        self._is_refused_there = False
        self._restored = (0, 0)
        self._refused = self._written = self._failed = self._failed_in_a_row = 0
        self._left_out = self._file_bytes = 0

    @property
    def position(self) -> int:
        """The number of the event up to which the restored file goes; -1 for none."""
        return NO_POSITION if self._head is None else self._head.position

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Restore, then write now and then, until drained or cancelled."""
        if not self._has_begun:
            await self._restore()
            self._has_begun = True
        task_status.started()
        while not self._stopping.is_set():
            pause = min(2**self._failed_in_a_row, _LONGEST_PAUSE) * self._settings.seconds
            with trio.move_on_after(pause):
                await self._stopping.wait()
            await self._look()

    def drain(self) -> None:
        """Ask `run` to write what has changed and return."""
        self._stopping.set()

    def statistics(self) -> LastKnownStatistics:
        """Return the figures of this moment."""
        dacha = self._dacha.statistics()
        environments, accounts = self._restored
        return LastKnownStatistics(
            restored_environments=environments,
            restored_accounts=accounts,
            restored_age_seconds=self._age(None if self._head is None else self._head.as_of),
            unconfirmed_environments=dacha.unconfirmed_environments,
            unconfirmed_accounts=dacha.unconfirmed_accounts,
            refused=self._refused,
            written=self._written,
            failed=self._failed,
            left_out=self._left_out,
            file_bytes=self._file_bytes,
            file_age_seconds=self._age(self._saved_at),
        )

    async def _restore(self) -> None:
        try:
            await trio.to_thread.run_sync(remove_unfinished, self._path, abandon_on_cancel=True)
        except OSError as error:
            log.warning("unfinished_files_not_removed", file=str(self._path), reason=str(error))
        try:
            found = await read_knowledge(self._path, self._key, self._origin)
        except LastKnownRefused as refused:
            self._refused += 1
            self._is_refused_there = True
            log.error(  # noqa: TRY400  the reason says it all
                "last_known_refused",
                file=str(refused.file),
                reason=refused.reason,
                hint=refused.hint,
                consequence="started without it",
            )
            found = None
        if found is not None:
            self._head, knowledge = found
            self._dacha.restore(knowledge)
            self._saved_position, self._saved_at = self._head.position, self._head.written_at
        self._saved = self._dacha.holdings()
        if self._head is not None:
            self._restored = (len(self._saved.environments), len(self._saved.accounts))
            log.info(
                "last_known_restored",
                environments=self._restored[0],
                accounts=self._restored[1],
                age_seconds=round(self._age(self._head.as_of)),
            )

    async def _look(self) -> None:
        """Write, if there is something to write."""
        self._note_confirmation()
        # Each of these takes milliseconds where there are thousands of environments.
        await trio.lowlevel.checkpoint()
        holdings, position = self._dacha.holdings(), self._followed_to()
        if position == UNNUMBERED:
            position = NO_POSITION  # nothing was followed yet
        await trio.lowlevel.checkpoint()
        if holdings.is_behind:
            # What waits is asked for again by whoever begins where we were before.
            position = min(position, self._saved_position)
        enough = 1 if self._stopping.is_set() else _EVENTS_BEHIND
        is_far = position - self._saved_position >= enough and bool(holdings.environments)
        if self._saved is not None and not holdings.differ_from(self._saved) and not is_far:
            return
        try:
            await self._write(holdings, position)
        except OSError as error:
            self._failed += 1
            self._failed_in_a_row += 1
            if self._failed_in_a_row == 1:
                reason = error.strerror or str(error)
                log.error("last_known_not_written", file=str(self._path), reason=reason)  # noqa: TRY400  as above
            return
        if self._failed_in_a_row:
            log.info("last_known_written_again", file=str(self._path))
        self._failed_in_a_row = 0

    async def _write(self, holdings: Holdings, position: int) -> None:
        now = self._now()
        as_of = now if self._head is None or self._is_confirmed else self._head.as_of
        head = Head(self._origin, written_at=now, as_of=as_of, position=position)
        written = await write_holdings(
            self._path,
            self._key,
            head,
            holdings,
            most_bytes=self._settings.most_bytes,
            aside=self._refused_path if self._is_refused_there else None,
        )
        self._is_refused_there = False
        self._written += 1
        self._file_bytes = written.bytes
        if written.left_out and not self._left_out:
            log.warning(
                "last_known_incomplete",
                left_out=written.left_out,
                hint="fh.last-known.maximum-megabytes is reached",
            )
        self._left_out = written.left_out
        self._saved, self._saved_position, self._saved_at = holdings, position, now

    def _note_confirmation(self) -> None:
        if self._head is None or self._is_confirmed:
            return
        figures = self._dacha.statistics()
        if figures.unconfirmed_accounts or figures.unconfirmed_environments:
            return
        self._is_confirmed = True
        log.info("last_known_confirmed", environments=self._restored[0], accounts=self._restored[1])

    def _age(self, then: datetime | None) -> float:
        return 0.0 if then is None else max(0.0, (self._now() - then).total_seconds())
