"""Keeps a process connected to one of its NATS servers, for ever."""

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import structlog
import trio

from fh.aio import Island
from fh.bus.errors import BusUnavailable
from fh.bus.intake import Intake
from fh.bus.nats_link import Link, open_link
from fh.bus.nats_settings import NatsServer, NatsSettings
from fh.bus.nats_stream import AnnouncementStream
from fh.errors import Unavailable

log = structlog.get_logger()

_LinkWork: TypeAlias = Callable[[Link], Awaitable[None]]

_CLOSE_SECONDS = 5.0


class NatsConnection:
    """One link at a time, and the next one when it is lost. A service.

    Attributes:
        connects: How often a link was opened.
        resumed: How often it went on where the one before had stopped, so that nothing is missing.
    """

    def __init__(
        self,
        island: Island,
        settings: NatsSettings,
        source: random.Random,
        stream: AnnouncementStream | None,
    ) -> None:
        self._island = island
        self._stream = stream
        self._settings = settings
        self._random = source
        # Processes with equal settings must not all prefer the first server.
        self._servers = source.sample(settings.servers, len(settings.servers))
        self._link: Link | None = None
        self._trouble = "it is not started"
        self._was_ready = False
        self.connects = 0
        self.resumed = 0

    @property
    def gaps(self) -> int:
        """How often a link was opened without what was announced before."""
        return self.connects - self.resumed

    @property
    def link(self) -> Link:
        """The link of this moment.

        Raises:
            BusUnavailable: there is none.
        """
        if self._link is None:
            raise BusUnavailable(f"the bus is not connected: {self._trouble}")
        return self._link

    @property
    def connected(self) -> bool:
        """Whether a server is connected, and sends what is announced."""
        return self._link is not None

    async def run(
        self,
        announcements: Intake,
        prepare: _LinkWork,
        attend: _LinkWork,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Stay connected until cancelled; ready once each server was tried or one is connected.

        Args:
            announcements: Gets what is announced, and `Reconnected` whenever there was a time
                without a link since this was ready, and no stream kept what was announced then.
            prepare: Runs on the island before a link is used.
            attend: Runs here while it is.
            task_status: As trio's.

        By raising `Unavailable` either of them ends the link.
        """
        failures = 0
        try:
            while True:
                again = self._was_ready
                link = await self._connect(announcements, prepare)
                if not failures:  # the first round
                    self._was_ready = True
                    task_status.started()
                if link is not None:
                    connected_at = trio.current_time()
                    missed = announcements if again and not link.continues else None
                    await self._hold(link, attend, missed)
                    if trio.current_time() - connected_at > self._settings.pause.maximum_seconds:
                        failures = 0
                failures += 1
                await trio.sleep(self._settings.pause.delay_seconds(failures, self._random))
        finally:
            self._trouble = "it is stopped"

    async def _connect(self, announcements: Intake, prepare: _LinkWork) -> Link | None:
        """Try each server once."""
        reasons = []

        async def open_prepared(server: NatsServer) -> Link:
            link = await open_link(
                self._island, server, self._settings, announcements, self._stream
            )
            try:
                await prepare(link)
            except BaseException:
                await link.close()
                raise
            return link

        for server in self._servers:
            try:
                link = await self._island.call(partial(open_prepared, server))
            except Unavailable as away:
                reasons.append(str(away))
            else:
                self.connects += 1
                self.resumed += link.continues
                self._link = link
                log.info("nats_connected", server=server.address)
                return link
        trouble = "; ".join(reasons)
        (log.debug if trouble == self._trouble else log.warning)("nats_unreachable", reason=trouble)
        self._trouble = trouble
        return None

    async def _hold(self, link: Link, attend: _LinkWork, missed: Intake | None) -> None:
        """Keep `link` until it is lost, then close it."""
        try:
            self._trouble = await self._reason_of_loss(link, attend, missed)
            log.warning("nats_connection_lost", reason=self._trouble)
        finally:
            self._link = None
            with trio.move_on_after(_CLOSE_SECONDS, shield=True):
                await self._close(link)

    async def _reason_of_loss(self, link: Link, attend: _LinkWork, missed: Intake | None) -> str:
        reason = ""

        async def live() -> str:
            if missed is not None:  # and only now: what comes from here on, messages will tell
                missed.put_reconnected()
            return await link.wait_lost()

        async def attend_link() -> None:
            nonlocal reason
            try:
                await attend(link)
            except Unavailable as away:
                reason = str(away)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(attend_link)
            try:
                reason = await self._island.call(live)
            except Unavailable as away:  # the island is gone
                reason = str(away)
            nursery.cancel_scope.cancel()
        return reason

    async def _close(self, link: Link) -> None:
        try:
            await self._island.call(link.close)
        except Unavailable as away:  # with the island the connection is gone too
            log.debug("nats_connection_cut", reason=str(away))
