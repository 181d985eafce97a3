"""Brings everything in memory up to date with MR after events may have been missed.

It is an actor because a refresh takes its time and must not run twice at once: while one is under
way, any number of further orders become one. Everything known is served on meanwhile.

What it finds changed is told to those who follow this Dacha: streams were sent what was missed by
nobody else, and the caches behind may have reloaded from here before it was up to date itself.
"""

import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import structlog
import trio

from fh.actors.actor import Actor
from fh.actors.ref import Ref
from fh.bus.port import Subscriber
from fh.contracts.answers import NotReady
from fh.dacha.accounts import Accounts
from fh.dacha.differences import account_difference, environment_differences
from fh.dacha.environments import Environments
from fh.dacha.settings import DachaSettings
from fh.model.ids import EnvironmentId, ServiceAccountId

log = structlog.get_logger()

_Reload: TypeAlias = Callable[[], Awaitable[NotReady | None]]


@dataclass(frozen=True, slots=True)
class Refresh:
    """Reload every account and every environment."""


class Refresher(Actor[Refresh]):
    """Reloads a few at a time, what was used last first, and tries until it is done."""

    def __init__(
        self,
        accounts: Accounts,
        environments: Environments,
        settings: DachaSettings,
        source: random.Random,
        attach: Callable[[Ref[Refresh]], None],
        tell: Subscriber,
        done: Callable[[], None],
    ) -> None:
        self._accounts = accounts
        self._environments = environments
        self._settings = settings
        self._random = source
        self._attach = attach
        self._tell = tell
        self._done = done

    async def started(self, me: Ref[Refresh]) -> None:
        """Check what is known already: events may have been lost before this life."""
        self._attach(me)
        self._environments.resume()
        if len(self._accounts) or len(self._environments):
            me.tell_nowait(Refresh())

    async def receive(self, message: Refresh) -> None:  # noqa: ARG002 - the only one there is
        """Reload everything known by now."""
        await trio.sleep(self._random.uniform(0, self._settings.reload_jitter_seconds))
        accounts, environments = self._accounts, self._environments
        reloads: deque[_Reload] = deque()
        # Those that were found gone already are not known any more, only untold.
        for account_id in dict.fromkeys((*accounts.ids(), *accounts.doubts.untold)):
            reloads.append(partial(self._reload_account, account_id))
        for environment_id in dict.fromkeys((*environments.ids(), *environments.doubts.untold)):
            reloads.append(partial(self._reload_environment, environment_id))
        count = len(reloads)
        async with trio.open_nursery() as nursery:
            for _ in range(self._settings.concurrent_reloads):
                nursery.start_soon(self._reload_all, reloads)
        self._done()
        log.info("refreshed", count=count)

    async def _reload_all(self, reloads: deque[_Reload]) -> None:
        wait_seconds = self._settings.reload_retry_seconds
        while reloads:
            reload = reloads.popleft()
            if await reload() is None:
                wait_seconds = self._settings.reload_retry_seconds
                continue
            # One failure most often says that MR is away, so all have to wait.
            reloads.append(reload)
            await trio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, self._settings.reload_retry_maximum_seconds)

    async def _reload_account(self, account_id: ServiceAccountId) -> NotReady | None:
        accounts = self._accounts
        # A cache behind may have asked for it first.
        if account_id in accounts.doubts:
            failure = await accounts.reload(account_id)
            if failure is not None:
                return failure
        if (before := accounts.doubts.take(account_id)) is not None:
            difference = account_difference(before, accounts.known(account_id))
            if difference is not None:
                await self._tell(difference)
        return None

    async def _reload_environment(self, environment_id: EnvironmentId) -> NotReady | None:
        environments = self._environments
        if environment_id in environments.doubts:
            failure = await environments.reload(environment_id)
            if failure is not None:
                return failure
        if (before := environments.doubts.take(environment_id)) is not None:
            after = environments.snapshot(environment_id)
            for difference in environment_differences(before, after):
                await self._tell(difference)
        return None
