"""Throws away what is over: announced events of long ago, answers to writes, sessions, failures.

A service: nobody else would do it. Whoever logs in or writes with a key again would meet their own
old rows, but many never come back.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
import trio

from fh.db.port import Database, Transaction
from fh.errors import Unavailable
from fh.mr.event_log import DatabaseEventLog
from fh.mr.repositories.idempotency import forget_old_answers
from fh.mr.repositories.login_attempts import forget_full_buckets
from fh.mr.repositories.sessions import forget_sessions_that_are_over
from fh.mr.settings import SessionLimits

log = structlog.get_logger()

_TRIM_SECONDS: Final = 30.0
# Days make rows old, so that a look every ten minutes is often enough.
_TRIMS_A_SWEEP: Final = 20
_ROWS: Final = 1000


class Sweeper:
    """Keeps the log of events short, and tables free of rows that are over."""

    def __init__(
        self,
        database: Database,
        event_log: DatabaseEventLog,
        sessions: SessionLimits,
        *,
        rows: int = _ROWS,
    ) -> None:
        """Delete so many `rows` in one transaction at most: others want to write, too."""
        self._database = database
        self._event_log = event_log
        self._sessions = sessions
        self._rows = rows

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Throw away now and then what is over, until cancelled."""
        task_status.started()
        while True:
            await _tried(self.sweep)
            for _ in range(_TRIMS_A_SWEEP):
                await _tried(self._event_log.trim)
                await trio.sleep(_TRIM_SECONDS)

    async def sweep(self) -> None:
        """Throw all answers, sessions and failed logins away that are over.

        Raises:
            Unavailable: the database is away.
        """
        await self._emptied(lambda tx: forget_old_answers(tx, self._rows))
        await self._emptied(lambda tx: forget_full_buckets(tx, self._rows))
        await self._emptied(
            lambda tx: forget_sessions_that_are_over(tx, self._sessions, self._rows)
        )

    async def _emptied(self, forget: Callable[[Transaction], Awaitable[int]]) -> None:
        while await self._database.transaction(forget) == self._rows:
            pass


async def _tried(sweep: Callable[[], Awaitable[None]]) -> None:
    try:
        await sweep()
    except Unavailable as away:
        log.debug("not_swept", reason=str(away))
