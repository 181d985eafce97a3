"""What a Dacha holds and knows to be true, for the caches behind it.

So caches form a chain, each of the same make: an Edge asks a Dacha, that Dacha asks MR, and every
one follows the bus itself. What an Edge is told here it keeps, and nobody corrects it afterwards:
what this Dacha finds in a refresh is told to nobody elsewhere. So it is told nothing that may be
out of date, be it what was known before events may have been missed, or what an earlier process
left behind; that is loaded first, once for all who ask.
"""

from collections.abc import Callable

from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.dacha.accounts import Accounts
from fh.dacha.cached_truth import told_account, told_environment
from fh.dacha.environments import Environments
from fh.model.ids import EnvironmentId


class ConfirmedTruth:
    """The port `TruthSource` over a Dacha in this process.

    While `in_doubt` says so, every question is passed on: events may be missing that nobody here
    can be told of.
    """

    def __init__(
        self, accounts: Accounts, environments: Environments, in_doubt: Callable[[], bool]
    ) -> None:
        self._accounts = accounts
        self._environments = environments
        self._in_doubt = in_doubt

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """Return the environment with every live feature, loading it where that is in doubt.

        Raises:
            Unavailable: it is missing or in doubt, and can't be loaded for now.
        """
        answer = await self._environments.load_confirmed(environment_id, anew=self._in_doubt())
        return told_environment(answer)

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """Return the account that either of its two secrets belongs to.

        Raises:
            Unavailable: it is not known or in doubt, and can't be loaded for now.
        """
        answer = await self._accounts.load_confirmed(secret, anew=self._in_doubt())
        return told_account(answer)
