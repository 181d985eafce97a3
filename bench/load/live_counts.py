"""What the streams of a live load went through, countable over processes and over time."""

from dataclasses import dataclass, field, fields
from typing import Any, Self

from bench.load.histogram import Histogram, joined


@dataclass(slots=True)
class Counts:
    """Counts since the start.

    Attributes:
        opened: Streams that became live, each return included.
        left: Streams that left by themselves.
        ended: Streams that the server ended, in order (`bye`) or without a word.
        refused: Connections that were not made, or ended before an answer.
        unavailable: Answers of 500 and above.
        denied: Answers of 400 to 499, and `failure` events.
        garbled: Answers that are not of the protocol.
        deliveries: Changes that reached a stream as an event of their own.
        caught_up: Versions that a stream learnt of from the list after it came back.
        duplicates: Changes that a stream was told again.
        back: Versions below what the stream held.
        gone: Features that a list lacked, though the stream held them.
        received_bytes: All that was read.
    """

    opened: int = 0
    left: int = 0
    ended: int = 0
    refused: int = 0
    unavailable: int = 0
    denied: int = 0
    garbled: int = 0
    deliveries: int = 0
    caught_up: int = 0
    duplicates: int = 0
    back: int = 0
    gone: int = 0
    received_bytes: int = 0

    def plus(self, other: Self) -> "Counts":
        """Return the sum of both."""
        both = zip(self.each(), other.each(), strict=True)
        return Counts(*(mine + theirs for mine, theirs in both))

    def since(self, earlier: Self) -> "Counts":
        """Return what came on top of `earlier`."""
        both = zip(self.each(), earlier.each(), strict=True)
        return Counts(*(now - then for now, then in both))

    def each(self) -> list[int]:
        """Return the counts in the order of the attributes."""
        return [getattr(self, one.name) for one in fields(self)]

    @property
    def wrong(self) -> list[str]:
        """What no client should ever be told, in words."""
        found = {
            "versions went back": self.back,
            "features were gone from a list": self.gone,
            "answers were 4xx or said that the key is unknown": self.denied,
            "answers were not of the protocol": self.garbled,
        }
        return [f"{count:,} {words}" for words, count in found.items() if count]


@dataclass(slots=True)
class Figures:
    """One moment of a live load.

    Attributes:
        live: Streams that are open and were told everything.
        met: Streams that were so at least once.
        behind: Streams that do not hold yet what they shall, -1 where nobody said what that is.
        reached_ns: When the last of them did, in monotonic nanoseconds; 0 while some don't.
        processor_seconds: Processor time of each client process since its start.
        latencies: From the instant that a value carries to its arrival.
        openings: From the first step of a connection to a live stream.
    """

    live: int = 0
    met: int = 0
    behind: int = -1
    reached_ns: int = 0
    counts: Counts = field(default_factory=Counts)
    processor_seconds: tuple[float, ...] = ()
    latencies: Histogram = field(default_factory=Histogram)
    openings: Histogram = field(default_factory=Histogram)

    def encoded(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "live": self.live,
            "met": self.met,
            "behind": self.behind,
            "reached_ns": self.reached_ns,
            "counts": self.counts.each(),
            "processor_seconds": self.processor_seconds,
            "latencies": _told(self.latencies),
            "openings": _told(self.openings),
        }


def decode_figures(told: dict[str, Any]) -> Figures:
    """Return the figures that a client process told in JSON."""
    return Figures(
        told["live"],
        told["met"],
        told["behind"],
        told["reached_ns"],
        Counts(*told["counts"]),
        tuple(told["processor_seconds"]),
        Histogram(*told["latencies"]),
        Histogram(*told["openings"]),
    )


def _told(histogram: Histogram) -> tuple[list[tuple[int, int]], float]:
    return histogram.counted(), histogram.longest


def together(figures: list[Figures]) -> Figures:
    """Return the figures of all client processes as one."""
    total = Figures()
    if all(each.behind >= 0 for each in figures):
        total.behind = sum(each.behind for each in figures)
    if not total.behind:
        total.reached_ns = max(each.reached_ns for each in figures)
    for each in figures:
        total.live += each.live
        total.met += each.met
        total.counts = total.counts.plus(each.counts)
        total.processor_seconds += each.processor_seconds
    total.latencies = joined(each.latencies for each in figures)
    total.openings = joined(each.openings for each in figures)
    return total
