"""What the bus refuses.

FeatureHubError
├── Unavailable
│   └── BusUnavailable   the broker is away, or nobody answers through it
└── EventTooLarge        the broker, or a reader, would never take it
"""

from fh.errors import FeatureHubError, Unavailable


class BusUnavailable(Unavailable):
    """The broker is not connected, did not take a message in time, or has nobody who answers."""


class EventTooLarge(FeatureHubError):
    """A message is larger than the broker or its readers take; trying again changes nothing."""

    def __init__(self, what: str, size_bytes: int, most_bytes: int) -> None:
        super().__init__(f"{what} has {size_bytes} bytes, and {most_bytes} are taken at most")
        self.size_bytes = size_bytes
        self.most_bytes = most_bytes
