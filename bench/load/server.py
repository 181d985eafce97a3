"""A server as a trial sees it: where it is, how it is told to publish, what it uses."""

import time
from dataclasses import dataclass
from typing import Protocol

from bench.load.process import (
    KernelMemory,
    ProcessMemory,
    is_working,
    kernel_memory,
    process_memory,
    processor_ns,
)

_LOOK_SECONDS = 0.02
_CALM_LOOKS = 3
_IDLE_NS = 200_000
_LONGEST_WORK_SECONDS = 30.0


class Server(Protocol):
    """What a trial needs to know of a server; without `pids` its use can't be seen.

    `user_keys` says that it evaluates: then each stream is a user of its own.
    """

    name: str
    host: str
    port: int
    path: str
    ready_mark: str
    first_number: int
    pids: tuple[int, ...]
    user_keys: bool

    def prepare(self, number: int) -> None:
        """Do ahead what needs to be done only once for event `number`; it may be left out."""

    def publish(self, number: int) -> int:
        """Publish event `number`; return the instant in monotonic nanoseconds."""

    def complaints(self) -> str:
        """Return what the server wrote to its log, where it can be seen."""


@dataclass(frozen=True, slots=True)
class ServerMemory:
    """What a server's processes hold, and what the kernel holds for everybody."""

    processes: tuple[ProcessMemory, ...]
    kernel: KernelMemory

    @classmethod
    def now(cls, pids: tuple[int, ...]) -> "ServerMemory":
        """Return what is held at this moment."""
        return cls(tuple(map(process_memory, pids)), kernel_memory())

    @property
    def user_bytes(self) -> int | None:
        """What the server holds: of several processes, without counting twice what they share."""
        if len(self.processes) == 1:
            return self.processes[0].resident_bytes
        return sum(each.proportional_bytes for each in self.processes) or None


def used_ns(server: Server) -> int:
    """Return the processor time that all its processes ever used, 0 where it can't be seen."""
    return sum(map(processor_ns, server.pids))


def wait_idle(server: Server) -> None:
    """Return when the server has nothing to do, or after long."""
    deadline = time.monotonic() + _LONGEST_WORK_SECONDS
    calm, now_ns = 0, 0
    while calm < _CALM_LOOKS and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        before_ns, now_ns = now_ns, used_ns(server)
        # On a busy machine it may have work and get no turn.
        idle = now_ns - before_ns < _IDLE_NS and not any(map(is_working, server.pids))
        calm = calm + 1 if idle else 0
