"""What Edge asks about a key, and how Dacha comes to an answer."""

from collections.abc import Callable

from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.dacha.account_tables import KnownAccount
from fh.dacha.accounts import Accounts
from fh.dacha.environments import Environments
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.dacha.view import DENIED, Views
from fh.model.sdk_key import SdkKey


class DachaLookup:
    """The `KeyLookup` of a Dacha in this process.

    While `asks_anew` says so, every question is put to the truth, whatever is known.
    """

    def __init__(
        self,
        accounts: Accounts,
        environments: Environments,
        views: Views,
        *,
        waiting: int,
        asks_anew: Callable[[], bool] | None = None,
    ) -> None:
        self._accounts = accounts
        self._environments = environments
        self._views = views
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
            return DENIED
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
