"""Which programs a deployment consists of: one party-server, or NATS and each part for itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.deployment.process import NatsProgram, Program, RoleProgram

DACHA_KEY = "what-an-edge-shows"
"""By which a Dacha knows an Edge."""

_MR_KEY = "what-a-dacha-shows"
_LONG_STREAMS = {"EDGE_SSE_DROP_AFTER_SECONDS": "0", "EDGE_SSE_HEARTBEAT_PERIOD": "30"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """`admin` is where values are changed, `edges` are where SDKs connect, `programs` are all."""

    name: str
    admin: RoleProgram
    edges: tuple[RoleProgram, ...]
    programs: tuple[Program, ...]

    def processor_seconds(self) -> float:
        """Return the processor time that all of it has used so far."""
        return sum(program.processor_seconds() for program in self.programs)

    def memory_bytes(self) -> dict[str, int]:
        """Return what each program has in memory, its descendants included."""
        return {program.name: program.memory_bytes() for program in self.programs}


class Parts:
    """NATS and an MR; Dachas and Edges are added as they are wanted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.nats = NatsProgram(directory)
        self.mr = self._role("mr", "mr", {"MR_DACHA2_API_KEYS": _MR_KEY})
        self.programs: list[Program] = [self.nats, self.mr]

    def start(self) -> None:
        """Start NATS and MR; return when they are ready."""
        self.nats.start()
        self.mr.launch()
        self.mr.wait_ready()

    def add_dacha(self, name: str, settings: dict[str, str] | None = None) -> RoleProgram:
        """Return a Dacha in front of MR, ready."""
        asks = {
            "MANAGEMENT_REPOSITORY_URL": self.mr.url,
            "DACHA2_CACHE_API_KEY": _MR_KEY,
            "FH_DACHA_API_KEYS": DACHA_KEY,
        }
        return self._started("dacha", name, asks | (settings or {}))

    def add_edge(self, name: str, dacha: RoleProgram) -> RoleProgram:
        """Return an Edge in front of `dacha`, ready."""
        asks = {"DACHA_URL_DEFAULT": dacha.url, "DACHA2_CACHE_API_KEY": DACHA_KEY}
        return self._started("edge", name, asks | _LONG_STREAMS)

    def end(self) -> None:
        """End all of it, those first that stand before the others."""
        for program in reversed(self.programs):
            program.end()

    def _started(self, role: str, name: str, settings: dict[str, str]) -> RoleProgram:
        program = self._role(role, name, settings)
        self.programs.append(program)
        program.launch()
        program.wait_ready()
        return program

    def _role(self, role: str, name: str, settings: dict[str, str]) -> RoleProgram:
        joined = {"NATS_URLS": self.nats.url, **settings}
        return RoleProgram(role, self._directory, joined, name=name)


@contextmanager
def open_parts(directory: Path) -> Iterator[Parts]:
    """Run NATS and an MR on an empty directory."""
    parts = Parts(directory)
    try:
        parts.start()
        yield parts
    finally:
        parts.end()


@contextmanager
def open_party(directory: Path) -> Iterator[Deployment]:
    """Run a party-server on an empty directory."""
    party = RoleProgram("party-server", directory, _LONG_STREAMS)
    try:
        party.launch()
        party.wait_ready()
        yield Deployment("party-server", party, (party,), (party,))
    finally:
        party.end()


@contextmanager
def open_split(directory: Path, *, dachas: int, edges: int) -> Iterator[Deployment]:
    """Run the parts apart on an empty directory; the Edges take turns with the Dachas."""
    with open_parts(directory) as parts:
        caches = [parts.add_dacha(f"dacha-{number}") for number in range(dachas)]
        fronts = [
            parts.add_edge(f"edge-{number}", caches[number % dachas]) for number in range(edges)
        ]
        yield Deployment("split", parts.mr, tuple(fronts), tuple(parts.programs))
