"""What Edge asks about a key, and how Dacha comes to an answer."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import trio

from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.dacha.account_tables import KnownAccount
from fh.dacha.accounts import AccountAnswer, Accounts
from fh.dacha.environments import Environments
from fh.dacha.flights import Flights
from fh.dacha.misses import Misses
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.dacha.view import DENIED, Views
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId, ServiceAccountId
from fh.model.sdk_key import SdkKey

Pair: TypeAlias = tuple[ServiceAccountId, EnvironmentId]


class DachaLookup:
    """The `KeyLookup` of a Dacha in this process.

    What is known of an account may be older than a permission that somebody was just told of, and
    a denial is final: before the first one for a `Pair`, the account is loaded anew. `denials`
    remembers for a short while that this was done. What is loaded may come from a cache, too: that
    is told to `look_again` first.

    While `asks_anew` says so, every question is put to the truth, whatever is known.
    """

    def __init__(
        self,
        accounts: Accounts,
        environments: Environments,
        views: Views,
        *,
        look_again: Callable[[SdkKey], Awaitable[None]],
        denials: Misses[Pair],
        waiting: int,
        asks_anew: Callable[[], bool] | None = None,
    ) -> None:
        self._accounts = accounts
        self._environments = environments
        self._views = views
        self._ask_again = look_again
        self._looks: Flights[SdkKey, AccountAnswer] = Flights()
        self._denials = denials
        self._asks_anew = asks_anew
        self._waiting_bound = waiting
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many questions wait for their answer."""
        return self._waiting

    def find_key(self, key: SdkKey) -> Granted | Denied | None:
        """Return the newest answer in memory at once, or None when it has to be loaded.

        None also when an event is waiting that could change the answer.
        """
        if self._asks_anew is not None and self._asks_anew():
            return None
        account = self._accounts.find(key.secret)
        if not isinstance(account, KnownAccount):
            return account
        if key.environment_id not in account.roles:
            return DENIED if self._is_denied(account, key.environment_id) else None
        snapshot = self._environments.find(key.environment_id)
        if isinstance(snapshot, EnvironmentSnapshot):
            return self._views.view(snapshot, account)
        return snapshot if isinstance(snapshot, Denied) else None

    async def load_key(self, key: SdkKey) -> KeyAnswer:
        """Return the answer, loading what is missing.

        It contains every event that the bus had handed to Dacha before the call. NotReady when
        MR can't say, or when too many questions wait already.
        """
        if (answer := self.find_key(key)) is not None:
            return answer
        if self._waiting >= self._waiting_bound:
            return NotReady(f"{self._waiting} questions are waiting")
        self._waiting += 1
        try:
            return await self._load(key)
        finally:
            self._waiting -= 1

    async def _load(self, key: SdkKey) -> KeyAnswer:
        anew = self._asks_anew is not None and self._asks_anew()
        accounts, environments = self._accounts, self._environments
        account = await (accounts.load_anew if anew else accounts.load)(key.secret)
        if not isinstance(account, KnownAccount):
            return account
        if key.environment_id not in account.roles:
            if anew:
                self._denials.forget((account.id, key.environment_id))
            # Also when it was loaded a moment ago: by a cache that was behind, or not at all.
            account = await self._look_again(account, key)
            if not isinstance(account, KnownAccount):
                return account
        if key.environment_id not in account.roles:
            return DENIED
        load = environments.load_anew if anew else environments.load
        snapshot = await load(key.environment_id)
        if not isinstance(snapshot, EnvironmentSnapshot):
            return snapshot
        # The account may have changed while the environment was loading.
        newest = accounts.find(key.secret)
        if isinstance(newest, Denied):
            return newest
        return self._views.view(snapshot, newest or account)

    def _is_denied(self, account: KnownAccount, environment_id: EnvironmentId) -> bool:
        """Return whether it needs no second look that `account` has no permission."""
        pair, now = (account.id, environment_id), trio.current_time()
        if self._views.forget(environment_id, account.id):
            # It had one, and lost it: that has come to us already.
            self._denials.remember(pair, now)
            return True
        return self._denials.knows(pair, now)

    async def _look_again(self, account: KnownAccount, key: SdkKey) -> AccountAnswer:
        """Return `account`, which has no permission, as it is now."""
        if self._is_denied(account, key.environment_id):
            return account
        return await self._looks.share(
            key, partial(self._looked, key), partial(self._look, account, key)
        )

    def _looked(self, key: SdkKey) -> KnownAccount | Denied | None:
        account = self._accounts.find(key.secret)
        if not isinstance(account, KnownAccount) or key.environment_id in account.roles:
            return account
        return account if self._is_denied(account, key.environment_id) else None

    async def _look(self, account: KnownAccount, key: SdkKey) -> AccountAnswer:
        try:
            await self._ask_again(key)
        except Unavailable as away:
            return NotReady(str(away))
        before = self._accounts.known(account.id)
        newest = await self._accounts.load_anew(key.secret)
        if newest is before:
            # What was loaded is another object, whatever it says.
            return NotReady("whether there is a permission by now can't be known")
        if isinstance(newest, KnownAccount) and key.environment_id not in newest.roles:
            self._denials.remember((newest.id, key.environment_id), trio.current_time())
        return newest
