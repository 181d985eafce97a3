"""What another process has used, and what the machine is. Linux only, as the Edge's epoll is."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

_KIB = 1_024


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Memory of one process in user space."""

    resident_bytes: int
    proportional_bytes: int


@dataclass(frozen=True, slots=True)
class KernelMemory:
    """What the kernel holds for the whole machine."""

    slab_bytes: int
    socket_buffer_bytes: int

    def since(self, earlier: "KernelMemory") -> int:
        """Return the bytes that came on top of `earlier`."""
        slab = self.slab_bytes - earlier.slab_bytes
        return slab + self.socket_buffer_bytes - earlier.socket_buffer_bytes


@dataclass(frozen=True, slots=True)
class Machine:
    """What a figure has to be read with."""

    processors: int
    model: str
    memory_bytes: int
    kernel: str
    python: str
    load_average: float


def processor_ns(pid: int) -> int:
    """Return the processor time that all threads of `pid` ever used, in nanoseconds.

    It is the process's own clock, which unlike /proc/PID/stat doesn't count in hundredths.
    Source: linux/posix-timers.h, MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED).
    """
    return time.clock_gettime_ns(~pid << 3 | 2)


def is_working(pid: int) -> bool:
    """Return whether a thread of `pid` is computing, or waits for its turn to."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        # The state follows the name, which is in brackets and may hold any others.
        _, _, rest = (task / "stat").read_text().rpartition(")")
        if rest.split()[0] != "S":
            return True
    return False


def process_memory(pid: int) -> ProcessMemory:
    """Return the user memory of `pid`; proportional is resident without the part of others."""
    fields = _kib_fields(Path(f"/proc/{pid}/smaps_rollup"))
    return ProcessMemory(fields["Rss"], fields["Pss"])


def family(pid: int) -> tuple[int, ...]:
    """Return `pid` and the processes that it has started, and they."""
    found = [pid]
    for member in found:  # grows on the way
        for task in Path(f"/proc/{member}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return tuple(found)


def kernel_memory() -> KernelMemory:
    """Return what the kernel holds at this moment: slabs, and TCP's buffers."""
    slab = _kib_fields(Path("/proc/meminfo"))["Slab"]
    pages = 0
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            pages = int(words[words.index("mem") + 1])
    return KernelMemory(slab, pages * os.sysconf("SC_PAGE_SIZE"))


def machine() -> Machine:
    """Return the machine's facts."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return Machine(
        processors=len(os.sched_getaffinity(0)),
        model=model or platform.machine(),
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        kernel=platform.release(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        load_average=os.getloadavg()[0],
    )


def _kib_fields(path: Path) -> dict[str, int]:
    fields: dict[str, int] = {}
    for line in path.read_text().splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words[-1:] == ["kB"]:
            fields[name] = int(words[0]) * _KIB
    return fields
