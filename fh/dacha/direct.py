"""Every question answered by the truth itself: no cache, no bus, so nothing is ever stale.

For the smallest installations, where the database stands beside whoever asks.
"""

from fh.contracts.answers import Denied, Granted, KeyAnswer, NotReady
from fh.contracts.truth import TruthSource
from fh.dacha.account_tables import KnownAccount
from fh.dacha.bounded_source import BoundedSource, LoadStatistics
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.dacha.view import DENIED, Views
from fh.errors import Unavailable
from fh.model.sdk_key import SdkKey


class DirectLookup:
    """The port `KeyLookup` over a `TruthSource`, bounded in questions at a time."""

    def __init__(
        self, source: TruthSource, *, concurrent: int, waiting: int, load_seconds: float
    ) -> None:
        self._source = BoundedSource(
            source, concurrent=concurrent, waiting=waiting, load_seconds=lambda: load_seconds
        )

    def find_key(self, _: SdkKey) -> Granted | Denied | None:
        """Return None: nothing is kept in memory."""
        return None

    async def load_key(self, key: SdkKey) -> KeyAnswer:
        """Return the answer as the truth is now; NotReady when it can't be asked."""
        try:
            account = await self._source.load_account(key.secret)
            if account is None:
                return DENIED
            known = KnownAccount.of(account, changed=0)
            if key.environment_id not in known.roles:
                return DENIED
            environment = await self._source.load_environment(key.environment_id)
        except Unavailable as away:
            return NotReady(str(away))
        if environment is None:
            return DENIED
        return Views(1).view(EnvironmentSnapshot.of(environment), known)

    def statistics(self) -> LoadStatistics:
        """Return the counts of this moment."""
        return self._source.statistics()
