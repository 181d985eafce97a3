"""What Dacha asks MR when it does not know an environment or an account."""

from typing import Protocol

from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.model.ids import EnvironmentId


class TruthSource(Protocol):
    """The port to MR; None is a final no.

    Both raise `Unavailable` (fh.errors) when MR can't answer for now.
    """

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """Return a live, published environment with every live feature."""

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """Return the live account that either of its two secrets belongs to."""
