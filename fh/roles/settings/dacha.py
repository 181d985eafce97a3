"""The cache."""

from dataclasses import dataclass

from fh.config import Secret, boolean, setting, shared_setting
from fh.dacha.last_known_settings import LastKnownSettings
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
    last_known_file: str = shared_setting(LastKnownSettings, "file")
    last_known_key: Secret = shared_setting(LastKnownSettings, "key")
    last_known_seconds: float = shared_setting(LastKnownSettings, "seconds")
    last_known_megabytes: int = shared_setting(LastKnownSettings, "most_megabytes")

    def last_known(self) -> LastKnownSettings:
        """Return what is kept across restarts, and where."""
        return LastKnownSettings(
            self.last_known_file,
            self.last_known_key,
            self.last_known_seconds,
            self.last_known_megabytes,
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
