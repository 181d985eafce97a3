"""The cache."""

from dataclasses import dataclass

from fh.config import boolean, setting
from fh.dacha.settings import DachaSettings
from fh.roles.settings.listening import COUNT


@dataclass(frozen=True)
class DachaPartSettings:
    """What every role with a cache can be told."""

    cached_environments: int = setting(
        "dacha2.cache.environment.size", 10_000, COUNT, "environments kept in memory"
    )
    cached_environment_misses: int = setting(
        "dacha2.cache.environment.miss-size", 10_000, COUNT, "unknown environments remembered"
    )
    cached_accounts: int = setting(
        "dacha2.cache.service-account.size", 10_000, COUNT, "service accounts kept in memory"
    )
    cached_account_misses: int = setting(
        "dacha2.cache.service-account.miss-size", 10_000, COUNT, "unknown keys remembered"
    )
    cache_all_updates: bool = setting(
        "dacha2.cache.all-updates", True, boolean, "keep what is published before it is asked for"
    )

    def dacha(self) -> DachaSettings:
        """Return Dacha's share."""
        return DachaSettings(
            environments=self.cached_environments,
            environment_misses=self.cached_environment_misses,
            accounts=self.cached_accounts,
            account_misses=self.cached_account_misses,
            cache_all_updates=self.cache_all_updates,
        )
