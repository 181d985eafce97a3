"""What Dacha asks MR when it does not know an environment or an account."""

from typing import Protocol, runtime_checkable

from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey


class TruthSource(Protocol):
    """The port to MR; None is a final no.

    Both raise `Unavailable` (fh.errors) when MR can't answer for now.
    """

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """Return a live, published environment with every live feature."""

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """Return the live account that either of its two secrets belongs to."""


@runtime_checkable
class SecondLook(Protocol):
    """What a `TruthSource` can do besides that is a cache itself: it may be behind."""

    async def look_again(self, key: SdkKey) -> None:
        """Have the account of `key` as it is now, where it has no permission as far as is known.

        Raises `Unavailable` when that can't be had for now.
        """
