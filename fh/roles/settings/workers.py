"""How many processes serve streams and polls."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fh.config import Fault, setting, whole
from fh.edge.door import room_for_connections
from fh.edge.settings import EdgeSettings
from fh.roles.settings.edge import EdgePartSettings
from fh.roles.worker_count import MOST_WORKERS, ONE_A_CORE, WorkerCount, choose_workers, share

_MOST_STREAMS = 10_000_000
_number = whole(ONE_A_CORE, MOST_WORKERS)


def workers_asked(value: str) -> int:
    """Read a number of workers, or `auto`."""
    return ONE_A_CORE if value == "auto" else _number(value)


@dataclass(frozen=True)
class WorkersPartSettings(EdgePartSettings):
    """What every role can be told whose Edge may run in processes of its own."""

    workers: int = setting(
        "fh.workers",
        0,
        workers_asked,
        "processes for streams and polls; 0 for none but this one, -1 or auto for one a core",
    )
    most_streams: int = setting(
        "fh.max-streams",
        0,
        whole(0, _MOST_STREAMS),
        "streams at most, and workers enough for them; 0 for as many as come",
    )

    def worker_count(self) -> WorkerCount:
        """Return how many workers there are, on this machine."""
        return choose_workers(
            self.workers,
            self.most_streams,
            cores=len(os.sched_getaffinity(0)),
            room=room_for_connections(),
        )

    def edge(self) -> EdgeSettings:
        """Return the share of each Edge."""
        whole_node = super().edge()
        workers = self.worker_count()
        return replace(
            whole_node,
            most_streams=workers.streams_each,
            streams_per_key=share(whole_node.streams_per_key, workers.count),
            streams_per_address=share(whole_node.streams_per_address, workers.count),
        )


def check_workers(settings: WorkersPartSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    if settings.worker_count().count <= MOST_WORKERS:
        return []
    return [
        Fault(
            "fh.max-streams",
            f"needs more than {MOST_WORKERS} processes, for each may open "
            f"{room_for_connections()} connections: raise the limit of open files (ulimit -n)",
        )
    ]
