"""What a Dacha serves the caches behind it: what it holds, and a second look before denials."""

from fh.contracts.answers import KeyLookup, NotReady
from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.contracts.truth import TruthSource
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey


class ServedTruth:
    """The ports `TruthSource` and `SecondLook` over a cache and its lookup."""

    def __init__(self, truth: TruthSource, lookup: KeyLookup) -> None:
        self._truth = truth
        self._lookup = lookup

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """See `TruthSource`."""
        return await self._truth.load_environment(environment_id)

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """See `TruthSource`."""
        return await self._truth.load_account(secret)

    async def look_again(self, key: SdkKey) -> None:
        """See `SecondLook`."""
        # The lookup denies nobody without a second look of its own.
        answer = await self._lookup.load_key(key)
        if isinstance(answer, NotReady):
            raise Unavailable(answer.reason)
