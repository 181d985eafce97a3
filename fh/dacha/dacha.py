"""Dacha in process, from top to bottom.

    dacha (rest_for_one)
    ├── environments    a supervisor: one actor per environment, on demand
    ├── accounts        an actor: both account tables
    └── refresher       an actor: reloads everything after events may have been missed

The tables belong to none of them, so that what is known is served on while one restarts. The
order has a meaning: if environments or accounts fail, the refresher begins anew after them, and
so checks all that is known with MR.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import trio

from fh.actors.child import ActorSpec, ServiceSpec
from fh.actors.errors import ActorStopped
from fh.actors.mailbox import Full, Mailbox
from fh.actors.ref import Ref
from fh.actors.restart import Backoff, Intensity, Strategy
from fh.actors.supervisor import Supervisor
from fh.bus.port import Subscriber
from fh.bus.subscribers import Subscribers
from fh.contracts.answers import KeyLookup
from fh.contracts.truth import TruthSource
from fh.dacha.account_tables import AccountTables
from fh.dacha.accounts import Accounts
from fh.dacha.bounded_source import BoundedSource, LoadStatistics
from fh.dacha.cached_truth import CachedTruth
from fh.dacha.confirmed_truth import ConfirmedTruth
from fh.dacha.environments import Environments
from fh.dacha.holdings import Holdings, Knowledge
from fh.dacha.listener import DachaListener
from fh.dacha.lookup import DachaLookup, Pair
from fh.dacha.misses import Misses
from fh.dacha.refresher import Refresh, Refresher
from fh.dacha.served_truth import ServedTruth
from fh.dacha.settings import DachaSettings
from fh.dacha.view import Views
from fh.model.ids import EnvironmentId

# One environment that crashes says little about the thousands of others.
_ENVIRONMENTS_INTENSITY = Intensity(restarts=100, within_seconds=5.0)
_DRAIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class DachaStatistics:
    """What Dacha holds at one moment; `evicted` and `refreshes` count since the start.

    Unconfirmed is what was restored and not yet asked for again.
    """

    environments: int
    features: int
    accounts: int
    keys: int
    environment_misses: int
    account_misses: int
    views: int
    evicted: int
    refreshes: int
    waiting_questions: int
    unconfirmed_environments: int
    unconfirmed_accounts: int
    loads: LoadStatistics


class Dacha:
    """The lazy cache: answers Edge, follows the bus, asks `source` for what it does not know.

    While `asks_anew` says so, it asks for what it knows, too, and answers from memory only where
    `source` can't.
    """

    def __init__(
        self,
        source: TruthSource,
        settings: DachaSettings,
        *,
        jitter: random.Random | None = None,
        asks_anew: Callable[[], bool] | None = None,
    ) -> None:
        self._asks_anew = asks_anew
        self._jitter = jitter or random.Random()  # noqa: S311 - jitter is no secret
        self._settings = settings
        self._source = BoundedSource(
            source,
            concurrent=settings.concurrent_loads,
            waiting=settings.waiting_loads,
            load_seconds=self._load_seconds,
        )
        self._environment_misses = Misses[EnvironmentId](
            settings.environment_misses,
            settings.miss_seconds,
            jitter=settings.miss_jitter,
            source=self._jitter,
        )
        self._account_misses = Misses[str](
            settings.account_misses,
            settings.miss_seconds,
            jitter=settings.miss_jitter,
            source=self._jitter,
        )
        self._denials = Misses[Pair](
            settings.denials,
            settings.denial_seconds,
            jitter=settings.miss_jitter,
            source=self._jitter,
        )
        self._environments_supervisor = Supervisor(
            "environments",
            intensity=_ENVIRONMENTS_INTENSITY,
            backoff=Backoff(maximum_seconds=1.0),
            random=self._jitter,
        )
        self._environments = Environments(
            self._environments_supervisor, self._source, self._environment_misses, settings
        )
        tables = AccountTables(
            settings.accounts,
            self._account_misses,
            cache_all_updates=settings.cache_all_updates,
        )
        self._accounts = Accounts(self._source, tables)
        self._views = Views(settings.views)
        self._lookup = DachaLookup(
            self._accounts,
            self._environments,
            self._views,
            look_again=self._source.look_again,
            denials=self._denials,
            waiting=settings.waiting_questions,
            asks_anew=asks_anew,
        )
        self._listener = DachaListener(self._accounts, self._environments, self._refresh)
        self._refresher: Ref[Refresh] | None = None
        self._refreshes = 0
        self._followers = Subscribers()
        self._supervisor = self._tree()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until stopped or cancelled. It may be run again, and then checks what it knows.

        Raises:
            RestartIntensityExceeded: a part of it failed too often.
        """
        await self._supervisor.run(task_status=task_status)

    def stop(self) -> None:
        """Ask `run` to finish what is queued and return."""
        self._supervisor.stop()

    @property
    def lookup(self) -> KeyLookup:
        """What Edge asks."""
        return self._lookup

    @property
    def truth(self) -> TruthSource:
        """What the caches behind this one ask that `follow` it: they are told of changes later."""
        cached = CachedTruth(self._accounts, self._environments, self._asks_anew)
        return ServedTruth(cached, self._lookup)

    def confirmed_truth(self, in_doubt: Callable[[], bool]) -> TruthSource:
        """Return what the caches behind this one ask that hear of nothing but the bus.

        While `in_doubt` says so, every question is passed on.
        """
        confirmed = ConfirmedTruth(self._accounts, self._environments, in_doubt)
        return ServedTruth(confirmed, self._lookup)

    @property
    def on_delivery(self) -> Subscriber:
        """What the bus calls."""
        return self._listener

    def follow(self, name: str, subscriber: Subscriber) -> None:
        """Tell `subscriber`, as the bus would, what a refresh finds that the bus did not bring."""
        self._followers.subscribe(name, subscriber)

    def holdings(self) -> Holdings:
        """Return all that is known, as of one moment."""
        environments, environments_wait = self._environments.held()
        accounts, accounts_wait = self._accounts.held()
        return Holdings(
            environments,
            accounts,
            tuple(self._accounts.deleted),
            is_behind=environments_wait or accounts_wait,
        )

    def restore(self, knowledge: Knowledge) -> None:
        """Serve what an earlier process knew until `source` was asked; before the first run."""
        self._accounts.restore(knowledge.accounts, knowledge.deleted_accounts)
        self._environments.restore(knowledge.environments)

    def statistics(self) -> DachaStatistics:
        """Return what Dacha holds at this moment."""
        return DachaStatistics(
            environments=len(self._environments),
            features=self._environments.features,
            accounts=len(self._accounts),
            keys=self._accounts.keys,
            environment_misses=len(self._environment_misses),
            account_misses=len(self._account_misses),
            views=len(self._views),
            evicted=self._environments.evicted,
            refreshes=self._refreshes,
            waiting_questions=self._lookup.waiting,
            unconfirmed_environments=self._environments.unconfirmed,
            unconfirmed_accounts=self._accounts.unconfirmed,
            loads=self._source.statistics(),
        )

    def _load_seconds(self) -> float:
        anew = self._asks_anew is not None and self._asks_anew()
        return self._settings.anew_seconds if anew else self._settings.load_seconds

    def _tree(self) -> Supervisor:
        accounts_mailbox = Mailbox(capacity=self._settings.accounts_mailbox_capacity)
        return Supervisor(
            "dacha",
            [
                ServiceSpec(
                    "environments",
                    self._environments_supervisor.run,
                    drain=self._environments_supervisor.stop,
                    drain_seconds=_DRAIN_SECONDS,
                ),
                ActorSpec("accounts", self._accounts.make, accounts_mailbox),
                ActorSpec(
                    "refresher",
                    self._make_refresher,
                    Mailbox(full=Full.COALESCE),
                    drain_seconds=0.0,  # half a refresh is worth nothing at the end
                ),
            ],
            strategy=Strategy.REST_FOR_ONE,
            random=self._jitter,
        )

    def _make_refresher(self) -> Refresher:
        return Refresher(
            self._accounts,
            self._environments,
            self._settings,
            self._jitter,
            self._attach,
            self._followers.deliver,
            self._note_refreshed,
        )

    def _attach(self, refresher: Ref[Refresh]) -> None:
        self._refresher = refresher
        self._doubt()

    def _refresh(self) -> None:
        self._doubt()
        if self._refresher is not None:
            try:
                self._refresher.tell_nowait(Refresh())
            except ActorStopped:
                return  # the next run begins with a refresh

    def _note_refreshed(self) -> None:
        self._refreshes += 1

    def _doubt(self) -> None:
        self._environments.doubt()
        self._accounts.doubt()
        self._denials.clear()
