"""A reader of event streams, written from the standard and from nothing else here.

It takes bytes in any pieces. Where the standard forgives, it forgives, but keeps account: a server
of ours has nothing to be forgiven. Bytes that are not UTF-8 are an error.

Source: the HTML Living Standard, sections 9.2.5 and 9.2.6.
"""

import codecs
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Received:
    """An event as it is dispatched; `last_event_id` is what the client would send back."""

    name: str
    data: str
    last_event_id: str = ""


@dataclass
class EventStreamReader:
    """Feed it; `events` are those dispatched so far, `ignored` the lines that meant nothing."""

    events: list[Received] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    retry_milliseconds: int | None = None

    def __post_init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._line = ""
        self._at_start = True
        self._after_cr = False
        self._name = ""
        self._data = ""
        self._last_event_id = ""

    @property
    def between_events(self) -> bool:
        """Whether everything that was fed belongs to events that are complete."""
        return not (self._line or self._name or self._data or self._decoder.getstate()[0])

    def feed(self, piece: bytes) -> None:
        for character in self._decoder.decode(piece):
            at_start, self._at_start = self._at_start, False
            after_cr, self._after_cr = self._after_cr, False
            if at_start and character == "\ufeff":
                continue
            if character == "\n" and after_cr:
                continue  # the second half of a line end
            if character in "\r\n":
                self._after_cr = character == "\r"
                line, self._line = self._line, ""
                self._take(line)
            else:
                self._line += character

    def _take(self, line: str) -> None:
        if not line:
            self._dispatch()
            return
        if line.startswith(":"):
            self.ignored.append(line)
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data += value + "\n"
            case "id" if "\0" not in value:
                self._last_event_id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry_milliseconds = int(value)
            case _:
                self.ignored.append(line)

    def _dispatch(self) -> None:
        if self._data:
            self.events.append(
                Received(self._name or "message", self._data[:-1], self._last_event_id)
            )
        elif self._name:
            self.ignored.append(f"event: {self._name}")
        self._name = self._data = ""


def read(stream: bytes, piece_bytes: int | None = None) -> EventStreamReader:
    """Return a reader that was fed all of `stream`, in pieces of equal size or at once."""
    reader = EventStreamReader()
    size = piece_bytes or max(1, len(stream))
    for start in range(0, len(stream), size):
        reader.feed(stream[start : start + size])
    return reader
