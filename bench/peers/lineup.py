"""Everybody who can take part, by name: started on one workload, or absent with the reason."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.baselines.compiled import NotCompiled, compile_broadcaster
from bench.baselines.contestant import Contestant, DidNotStart, Entry
from bench.baselines.frame import CLIENT_PATHS, STREAM_PATHS, event, event_data, frame
from bench.baselines.nginx import nginx_version
from bench.load.marker import ENVIRONMENT_STEP, padded_value
from bench.load.server import Server
from bench.peers.nchan import NoNchan, find_nchan, serve_nchan
from bench.peers.quart_app import OPEN

FH: Final = "fh"
EVALUATING: Final = "fh server"
"""fh with server-evaluated streams, each of a context of its own."""

BARE: Final = ("c", "python")
PEERS: Final = ("nchan", "node", "quart")
NAMES: Final = (FH, *BARE, *PEERS)

MEANINGS: Final = {
    FH: "the real Edge with the real Dacha, and streams that evaluate themselves",
    EVALUATING: "the same; each stream is another user, whose strategy of 50 % Edge evaluates",
    "c": "a bare epoll loop in C: what the kernel itself costs",
    "python": "the same loop in Python: the least that Python needs",
    "nchan": "nginx with the nchan module, one worker",
    "node": "Node's http module",
    "quart": "quart-trio on hypercorn, a task for each stream",
}

MOST_STREAMS: Final = {"quart": 2_000}
"""Who gets fewer streams than asked for, because more would only take longer."""

_FH_READY_MARK = "event: features"
_BARE_READY_MARK = "\r\n\r\n"
_CHANNEL_PATHS = "/streams/{channel}"
_NODE_PROGRAM = Path(__file__).with_name("broadcaster.js")


class Absent(Exception):
    """One can't take part here; the text says what would change that."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What everybody is started for; `directory` is for what has to be compiled."""

    directory: Path
    value_bytes: int
    environments: int = 1
    features: int = 5
    workers: int = 0


def start(name: str, workload: Workload) -> AbstractContextManager[Server]:
    """Return the running server of that name; it ends with the block.

    Raises:
        Absent: it is not installed, or can't be compiled.
        DidNotStart: it is there, but did not serve.
    """
    if name == "nchan":
        try:
            find_nchan()
        except (NoNchan, DidNotStart) as reason:
            raise Absent(str(reason)) from reason
        return serve_nchan(environments=workload.environments, data=_data(workload.value_bytes))
    return Contestant(_entry(name, workload))


def versions(names: Sequence[str]) -> dict[str, str]:
    """Return the versions of what takes part and is installed."""
    found = {}
    if "nchan" in names:
        with suppress(NoNchan, DidNotStart):
            program, _module = find_nchan()
            found["nginx"] = nginx_version(program)
    if "node" in names and (node := shutil.which("node")):
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        found["node"] = done.stdout.strip().removeprefix("v")
    if "quart" in names:
        found |= {name: version(name) for name in ("quart-trio", "hypercorn")}
    return found


def _entry(name: str, workload: Workload) -> Entry:
    value_bytes = workload.value_bytes

    def bare_order(number: int) -> bytes:
        return frame(number, value_bytes)

    def event_order(number: int) -> bytes:
        return json.dumps(event(number, padded_value(number, value_bytes)).decode()).encode()

    match name:
        case "fh":
            return _edge(name, workload, path=CLIENT_PATHS)
        case _ if name == EVALUATING:
            return _edge(name, workload, path=STREAM_PATHS, evaluates=True)
        case "python":
            command = [sys.executable, "-m", "bench.baselines.broadcaster"]
            return Entry(name, command, _BARE_READY_MARK, bare_order, path=_CHANNEL_PATHS)
        case "c":
            try:
                program = compile_broadcaster(workload.directory)
            except NotCompiled as reason:
                raise Absent(f"{reason}: apt install gcc libc6-dev") from reason
            return Entry(name, [str(program)], _BARE_READY_MARK, bare_order, path=_CHANNEL_PATHS)
        case "node":
            node = shutil.which("node")
            if node is None:
                raise Absent("node is not installed: apt install nodejs")
            command = [node, str(_NODE_PROGRAM)]
            return Entry(
                name,
                command,
                _BARE_READY_MARK,
                event_order,
                path=_CHANNEL_PATHS,
                reads_lines=True,
            )
        case "quart":
            command = [sys.executable, "-m", "bench.peers.quart_app"]
            return Entry(
                name,
                command,
                OPEN.decode(),
                event_order,
                path=_CHANNEL_PATHS,
                reads_lines=True,
            )
        case _:
            raise Absent(f"nobody is called {name}: there are {', '.join(NAMES)}")


def _edge(name: str, workload: Workload, *, path: str, evaluates: bool = False) -> Entry:
    def value_order(number: int) -> bytes:
        return padded_value(number, workload.value_bytes).encode()

    command = [sys.executable, "-m", "bench.edge_host"]
    command += ["--environments", str(workload.environments)]
    command += ["--features", str(workload.features), "--workers", str(workload.workers)]
    if evaluates:
        command.append("--strategy")
    return Entry(
        name,
        command,
        _FH_READY_MARK,
        value_order,
        path=path,
        prepares=True,
        user_keys=evaluates,
    )


def _data(value_bytes: int) -> Callable[[int, int], bytes]:
    def data(number: int, place: int) -> bytes:
        value = padded_value(number + place * ENVIRONMENT_STEP, value_bytes)
        return event_data(number, value).encode()

    return data
