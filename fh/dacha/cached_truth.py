"""What a Dacha holds, for the caches behind it that it tells what its refreshes find.

Those are the workers of its process: they are given the last known good, and its correction
later. Who hears of nothing but the bus asks `fh.dacha.confirmed_truth`.
"""

from collections.abc import Callable

from msgspec import structs

from fh.contracts.answers import Denied, NotReady
from fh.contracts.published import (
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    PublishEnvironment,
)
from fh.dacha.account_tables import KnownAccount
from fh.dacha.accounts import AccountAnswer, Accounts
from fh.dacha.environment import EnvironmentAnswer
from fh.dacha.environments import Environments
from fh.dacha.snapshot import EnvironmentSnapshot
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import is_client_evaluated


class CachedTruth:
    """The port `TruthSource` over a Dacha in this process.

    While `asks_anew` says so, every question is passed on, whatever is known.
    """

    def __init__(
        self,
        accounts: Accounts,
        environments: Environments,
        asks_anew: Callable[[], bool] | None = None,
    ) -> None:
        self._accounts = accounts
        self._environments = environments
        self._asks_anew = asks_anew or (lambda: False)

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """Return the environment with every live feature, loading it where it is missing.

        Raises:
            Unavailable: it is missing, and can't be loaded for now.
        """
        environments = self._environments
        if self._asks_anew():
            answer = await environments.load_anew(environment_id)
        else:
            answer = environments.find(environment_id) or await environments.load(environment_id)
        return told_environment(answer)

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """Return the account that either of its two secrets belongs to.

        Raises:
            Unavailable: it is not known, and can't be loaded for now.
        """
        if self._asks_anew():
            answer = await self._accounts.load_anew(secret)
        else:
            answer = self._accounts.find(secret) or await self._accounts.load(secret)
        return told_account(answer)


def told_environment(answer: EnvironmentAnswer) -> PublishEnvironment | None:
    """Return an answer as MR gives it.

    Raises:
        Unavailable: it is not ready.
    """
    match answer:
        case EnvironmentSnapshot() as snapshot:
            return published_environment(snapshot, PublishAction.CREATE)
        case Denied():
            return None
        case NotReady(reason):
            raise Unavailable(reason)


def told_account(answer: AccountAnswer) -> CacheServiceAccount | None:
    """Return an answer as MR gives it.

    Raises:
        Unavailable: it is not ready.
    """
    match answer:
        case KnownAccount() as account:
            return published_account(account)
        case Denied():
            return None
        case NotReady(reason):
            raise Unavailable(reason)


def published_environment(
    snapshot: EnvironmentSnapshot, action: PublishAction, *, version: int | None = None
) -> PublishEnvironment:
    """Return a snapshot as an announcement, at its own version unless another is given."""
    environment = snapshot.environment
    if version is not None:
        environment = structs.replace(environment, version=version)
    return PublishEnvironment(
        environment=environment,
        organisation_id=snapshot.organisation_id,
        portfolio_id=snapshot.portfolio_id,
        application_id=snapshot.application_id,
        action=action,
        features=snapshot.features,
    )


def published_account(account: KnownAccount) -> CacheServiceAccount:
    """Return an account as MR tells it."""
    # Either of the two may be missing only in an account that was deleted, and none of those is
    # ever found by a secret.
    server = next((each for each in account.secrets if not is_client_evaluated(each)), "")
    client = next((each for each in account.secrets if is_client_evaluated(each)), "")
    return CacheServiceAccount(
        id=account.id,
        version=account.version,
        api_key_client_side=client,
        api_key_server_side=server,
        permissions=tuple(
            CacheServiceAccountPermission(environment_id, tuple(sorted(roles)))
            for environment_id, roles in account.roles.items()
        ),
        filters=tuple(sorted(account.filters)),
    )
