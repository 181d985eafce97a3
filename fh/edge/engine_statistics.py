"""What an engine counts."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """Counts of this moment and since the start.

    `waiting` streams wait for their first features, `delivering` have not taken all of them yet;
    `delivered` counts the first features begun. The last five count who was turned away, by reason.
    """

    connections: int = 0
    streams: int = 0
    slow: int = 0
    accepted: int = 0
    evicted: int = 0
    deliveries: int = 0
    broadcasts: int = 0
    waiting: int = 0
    delivering: int = 0
    delivered: int = 0
    refused_busy: int = 0
    refused_streams: int = 0
    refused_key: int = 0
    refused_address: int = 0
    refused_stopping: int = 0


NOTHING_COUNTED: Final = EngineStatistics()

OF_THE_MOMENT: Final = frozenset({"connections", "streams", "slow", "waiting", "delivering"})
"""The names of those that may fall."""
