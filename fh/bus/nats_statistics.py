"""What a process can tell of its part in NATS."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NatsBusStatistics:
    """Counts since the start, and what is there at this moment.

    Attributes:
        connects: How often a server was connected.
        resumed: How often that cost nothing: a stream had kept what was announced meanwhile.
        published: Events that the broker has taken.
        too_large: Events that it never will.
        delivered: Deliveries to the subscribers of this process.
        missed: Messages thrown away because these were too slow.
        waiting: Messages that wait for them.
        submitted: Updates that were handed to a worker elsewhere.
        applied: Updates that the worker of this process was done with.
        postponed: Updates that it, or this process, could not take for the time being.
        unreadable: Messages that could not be read; `dead_letters` of them were put aside.
        unhandled: Messages of a kind that the contract knows, but not for this process.
        unknown: Messages of a kind that it does not know.
    """

    connected: bool
    connects: int
    resumed: int
    published: int
    too_large: int
    subscribers: int
    delivered: int
    failed_deliveries: int
    missed: int
    waiting: int
    waiting_bytes: int
    submitted: int
    applied: int
    postponed: int
    failed_updates: int
    unreadable: int
    dead_letters: int
    unhandled: int
    unknown: int
