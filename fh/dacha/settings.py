"""How much Dacha keeps, and how hard it leans on MR."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DachaSettings:
    """Bounds, as counts unless the name carries a unit.

    `environments`, `accounts` and the two kinds of misses are upstream's sizes. `denials` bounds
    what is remembered of accounts that were looked at anew, `views` the answers kept ready. With
    `cache_all_updates` an environment or account that is published is kept although nobody asked
    for it yet.
    """

    environments: int = 10_000
    accounts: int = 10_000
    environment_misses: int = 10_000
    account_misses: int = 10_000
    denials: int = 10_000
    views: int = 20_000
    cache_all_updates: bool = True

    miss_seconds: float = 60.0
    miss_jitter: float = 0.2  # share of miss_seconds by which a miss may be kept shorter or longer

    # Short: whoever is let in meanwhile is so when that is announced, or after this.
    denial_seconds: float = 5.0

    concurrent_loads: int = 16
    waiting_loads: int = 2_000
    load_seconds: float = 5.0  # waiting for a turn at MR is part of it
    # The same while everything is asked anew: with an account and an environment to ask for, twice
    # where others asked before, what is known last has to come within Edge's patience.
    anew_seconds: float = 0.9
    waiting_questions: int = 20_000

    environment_mailbox_capacity: int = 256
    accounts_mailbox_capacity: int = 256

    concurrent_reloads: int = 4
    reload_jitter_seconds: float = 0.5  # several Dachas reconnect in the same instant
    reload_retry_seconds: float = 0.5  # the first; doubles
    reload_retry_maximum_seconds: float = 5.0
