"""What a role takes of the machine, and whether it has given back what a fault made it take."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.role_process import RoleProcess

_PAGE = os.sysconf("SC_PAGE_SIZE")
# What may stay: the memory that CPython keeps for later, idle connections, and idle threads.
_MORE_MEMORY = 1.25
_MORE_BYTES = 24 * 1024 * 1024
_MORE_DESCRIPTORS = 16
_MORE_TASKS = 8


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of one process of a role, or of it and its workers."""

    pid: int
    resident_bytes: int
    descriptors: int
    tasks: int


def footprints(roles: list[RoleProcess]) -> dict[RoleProcess, Footprint]:
    """Return what each role takes; what MR's PostgreSQL takes is its own business."""
    found = {}
    for role in roles:
        pids = [role.pid, *(role.children() if role.role == "edge" else ())]
        each = [_of_process(Path(f"/proc/{pid}")) for pid in pids]
        found[role] = Footprint(role.pid, *map(sum, zip(*each, strict=True)))
    return found


def grown(
    before: Mapping[RoleProcess, Footprint], after: Mapping[RoleProcess, Footprint]
) -> Iterator[str]:
    """Yield what a role takes that has survived, and did not before."""
    for role, was in before.items():
        now = after[role]
        if now.pid != was.pid:
            continue
        for name, most in (
            ("resident_bytes", was.resident_bytes * _MORE_MEMORY + _MORE_BYTES),
            ("descriptors", was.descriptors + _MORE_DESCRIPTORS),
            ("tasks", was.tasks + _MORE_TASKS),
        ):
            if getattr(now, name) > most:
                yield f"{role.role}: {getattr(was, name)} {name} became {getattr(now, name)}"


def _of_process(process: Path) -> tuple[int, int, int]:
    resident_pages = int((process / "statm").read_text().split()[1])
    return (
        resident_pages * _PAGE,
        sum(1 for _ in (process / "fd").iterdir()),
        sum(1 for _ in (process / "task").iterdir()),
    )
