"""The cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fh.config import Fault, Secret, boolean, one_of, setting, shared_setting
from fh.dacha.last_known_settings import LastKnownSettings
from fh.dacha.settings import DachaSettings
from fh.roles.settings.listening import COUNT

_DISCONNECT: Final = "dacha2.streaming.disconnect-behaviour"
_ON_RECONNECT: Final = "on-reconnect"
_USE_PASSTHROUGH: Final = "use-passthrough"
_STANDARD: Final = "standard"


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
    cached_views: int = setting(
        "dacha2.cache.service-account.perms-size",
        20_000,
        COUNT,
        "what keys see of environments, worked out and kept",
    )
    disconnect_behaviour: str = setting(
        _DISCONNECT,
        _ON_RECONNECT,
        one_of(_ON_RECONNECT, _USE_PASSTHROUGH, _STANDARD),
        "on-reconnect: after a gap that no log fills load everything anew in the background;"
        " use-passthrough: besides, ask MR for each answer while NATS is away; standard: neither",
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

    @property
    def passes_through(self) -> bool:
        """Whether every answer is asked for anew while the bus is away."""
        return self.disconnect_behaviour == _USE_PASSTHROUGH

    @property
    def reloads_without_log(self) -> bool:
        """Whether everything is loaded anew after a gap that no log can fill."""
        return self.disconnect_behaviour != _STANDARD

    def dacha(self) -> DachaSettings:
        """Return Dacha's share."""
        return DachaSettings(
            environments=self.cached_environments,
            environment_misses=self.cached_environment_misses,
            accounts=self.cached_accounts,
            account_misses=self.cached_account_misses,
            views=self.cached_views,
            cache_all_updates=self.cache_all_updates,
        )


def check_disconnects(settings: DachaPartSettings, workers: int) -> Sequence[Fault]:
    """Return what is wrong with the cache of a role with so many `workers`."""
    if settings.passes_through and workers > 1:
        reason = f"{_USE_PASSTHROUGH} needs fh.workers=0: workers answer from memory"
        return [Fault(_DISCONNECT, reason)]
    return []
