"""What an engine counts."""

from dataclasses import dataclass, fields
from typing import Final

from fh.edge.histogram import NO_DURATIONS, Durations


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """Counts of this moment and since the start.

    `waiting` streams wait for their first features, `delivering` have not taken all of them yet;
    `delivered` counts the first features begun. `refused_…` count who was turned away, by reason.

    Attributes:
        relayed: Streams over TLS or HTTP/2, and `sockets` those over WebSockets; among `streams`.
        opened: Streams since the start.
        goodbyes: Streams that were told to come back.
        evicted: Clients given up as too slow; of them `overfull` had too much waiting, and
            `stalled` stood still over their first features.
        propagation: From the commit of a change to its last write.
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
    refused_draining: int = 0
    refused_paused: int = 0
    relayed: int = 0
    sockets: int = 0
    overfull: int = 0
    stalled: int = 0
    opened: int = 0
    goodbyes: int = 0
    propagation: Durations = NO_DURATIONS

    def __add__(self, other: "EngineStatistics") -> "EngineStatistics":
        """Return those of two places together."""
        return EngineStatistics(
            **{name: getattr(self, name) + getattr(other, name) for name in _NAMES}
        )


_NAMES: Final = tuple(each.name for each in fields(EngineStatistics))


NOTHING_COUNTED: Final = EngineStatistics()

OF_THE_MOMENT: Final = frozenset(
    {"connections", "streams", "slow", "waiting", "delivering", "relayed", "sockets"}
)
"""The names of those that may fall."""
