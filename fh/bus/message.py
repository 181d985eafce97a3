"""A message as it comes from a broker, and one as it goes there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_HEAD_BYTES = len(b"NATS/1.0\r\n\r\n")
_LINE_BYTES = len(b": \r\n")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the broker delivered it; `reply` is a subject, or empty."""

    subject: str
    reply: str
    headers: Mapping[str, str] = field(repr=False)
    data: bytes = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """Roughly what it takes in memory."""
        return len(self.data) + sum(len(name) + len(text) for name, text in self.headers.items())


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to send."""

    subject: str
    headers: Mapping[str, str] = field(repr=False)
    data: bytes = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """What a server compares with its limit: the data and the headers."""
        lines = sum(
            len(name.encode()) + len(text.encode()) + _LINE_BYTES
            for name, text in self.headers.items()
        )
        return _HEAD_BYTES + lines + len(self.data)
