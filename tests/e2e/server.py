"""What SDKs and administrators connect to: a party-server, or its parts joined by NATS."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import Protocol, TypeAlias

from tests.e2e.role_process import RoleProcess, free_port
from tests.nats_server import NatsServer, find_binary

_MR_KEY = "what-a-dacha-shows"
_DACHA_KEY = "what-an-edge-shows"

LogMark: TypeAlias = tuple[int, ...]
"""How long the log of each process was."""


class Server(Protocol):
    """A deployment; `port` is for SDKs, `admin_port` for administrators, `probe_port` for probes.

    start() may be called again after stop() or kill9(): same directories, same ports.
    """

    @property
    def port(self) -> int: ...
    @property
    def url(self) -> str: ...
    @property
    def admin_url(self) -> str: ...
    @property
    def admin_port(self) -> int: ...
    @property
    def probe_port(self) -> int: ...
    @property
    def data_directory(self) -> Path: ...
    def start(self) -> None: ...
    def is_ready(self) -> bool: ...
    def probe(self, path: str) -> tuple[int, bytes]: ...
    def stop(self) -> int: ...
    def kill9(self) -> None: ...
    def restart(self) -> None: ...
    def discard(self) -> None: ...
    def log(self) -> str: ...
    def log_mark(self) -> LogMark: ...
    def assert_log_is_clean(self, *, expected: str = "", since: LogMark = ()) -> None: ...
    def resident_bytes(self) -> int: ...


class PartyServer(RoleProcess):
    """Everything in one process."""

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ):
        super().__init__(
            "party-server", directory, settings, prefix, data_directory=directory / "data"
        )

    @property
    def admin_url(self) -> str:
        return self.url

    @property
    def admin_port(self) -> int:
        return self.port


class SplitServer:
    """NATS, an MR with its own PostgreSQL, Dachas and Edges; each Edge asks one of the Dachas.

    `settings` are told to every role, and what `tell` returns to the one it was asked for. Each
    has a port of its own for operators. `between` may put something on a way, such as "edge-dacha":
    it is given the name and the port at its end, and returns the port to be used instead. Of more
    than one `nats` a cluster is made, and each role is told a different one first.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        *,
        dachas: int = 1,
        edges: int = 1,
        nats: int = 1,
        between: Callable[[str, int], int] = lambda _, port: port,
        tell: Callable[[str], Mapping[str, str]] = lambda _: {},
    ):
        self._between = between
        self._tell = tell
        self._directory = directory
        self._prefix = prefix
        self._settings = dict(settings or {})
        self._told = 0
        self.cluster = self._nats_servers(nats)
        self.mr = self._role("mr", MR_DACHA2_API_KEYS=_MR_KEY)
        self.dachas = [self._dacha() for _ in range(dachas)]
        self.edges = [self._edge(self.dachas[number % dachas]) for number in range(edges)]

    def _nats_servers(self, count: int) -> list[NatsServer]:
        binary = find_binary()
        assert binary is not None, "there is no nats-server: install the extra `dev`"
        ports = [free_port() for _ in range(count if count > 1 else 0)]
        doors = [self._between("nats-nats", port) for port in ports]
        routes = ",".join(f"nats://127.0.0.1:{door}" for door in doors)
        servers = []
        for number in range(count):
            options = ()
            if ports:
                options = (
                    "--cluster_name=fh",
                    f"--cluster=nats://127.0.0.1:{ports[number]}",
                    # Servers tell each other where to reach them: nobody shall go past a door.
                    f"--cluster_advertise=127.0.0.1:{doors[number]}",
                    f"--routes={routes}",
                )
            directory = self._directory / f"nats-{number + 1}"
            directory.mkdir()
            servers.append(NatsServer(binary, directory, *options))
            servers[-1].port = free_port()
        return servers

    def _dacha(self) -> RoleProcess:
        port = self._between("dacha-mr", self.mr.port)
        return self._role(
            "dacha",
            MANAGEMENT_REPOSITORY_URL=f"http://127.0.0.1:{port}",
            DACHA2_CACHE_API_KEY=_MR_KEY,
            FH_DACHA_API_KEYS=_DACHA_KEY,
        )

    def _edge(self, dacha: RoleProcess) -> RoleProcess:
        port = self._between("edge-dacha", dacha.port)
        return self._role(
            "edge",
            DACHA_URL_DEFAULT=f"http://127.0.0.1:{port}",
            DACHA2_CACHE_API_KEY=_DACHA_KEY,
            # Two connections to one Edge are to see the same at the same time.
            FH_WORKERS="0",
        )

    def _role(self, role: str, **settings: str) -> RoleProcess:
        first = self._told % len(self.cluster)
        self._told += 1
        ports = [
            self._between(f"{role}-nats", nats.port)
            for nats in self.cluster[first:] + self.cluster[:first]
        ]
        joined = {
            "NATS_URLS": ",".join(f"nats://127.0.0.1:{port}" for port in ports),
            "MONITOR_PORT": str(free_port()),
        }
        return RoleProcess(
            role,
            self._directory,
            {**joined, **settings, **self._settings, **self._tell(role)},
            self._prefix,
            data_directory=self._directory / "data" if role == "mr" else None,
        )

    @property
    def nats(self) -> NatsServer:
        """The only server of NATS, or the first."""
        return self.cluster[0]

    @property
    def roles(self) -> Sequence[RoleProcess]:
        """Every process of ours, in the order of the way down."""
        return [self.mr, *self.dachas, *self.edges]

    @property
    def port(self) -> int:
        return self.edges[0].port

    @property
    def url(self) -> str:
        return self.edges[0].url

    @property
    def admin_url(self) -> str:
        return self.mr.url

    @property
    def admin_port(self) -> int:
        return self.mr.port

    @property
    def probe_port(self) -> int:
        return self.edges[0].probe_port

    @property
    def data_directory(self) -> Path:
        return self.mr.data_directory

    def start(self) -> None:
        """Start everything at once, and return when all of it is ready."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start everything. NATS ends with the thread that called this."""
        for nats in self.cluster:
            nats.start()
        for role in self.roles:
            role.launch()

    def wait_ready(self) -> None:
        """Return when all of it is ready."""
        for role in self.roles:
            role.wait_ready()

    def is_ready(self) -> bool:
        return all(role.is_ready() for role in self.roles)

    def probe(self, path: str) -> tuple[int, bytes]:
        """Return status and body of an operator's page of what SDKs connect to."""
        return self.edges[0].probe(path)

    def stop(self) -> int:
        """End it from below; return the first exit code that is not 0."""
        codes = [role.stop() for role in reversed(self.roles)]
        for nats in self.cluster:
            nats.stop()
        return next((code for code in codes if code), 0)

    def kill9(self) -> None:
        for role in self.roles:
            role.kill9()
        for nats in self.cluster:
            nats.kill()

    def restart(self) -> None:
        assert self.stop() == 0, self.log()
        self.start()

    def discard(self) -> None:
        """End whatever is left of it. Only for the end of a fixture."""
        for role in self.roles:
            role.discard()
        for nats in self.cluster:
            with suppress(Exception):
                nats.stop()

    def log(self) -> str:
        return "\n".join(f"--- {role.role}\n{role.log()}" for role in self.roles)

    def log_mark(self) -> LogMark:
        """Return a mark for assert_log_is_clean(since=…)."""
        return tuple(length for role in self.roles for length in role.log_mark())

    def assert_log_is_clean(self, *, expected: str = "", since: LogMark = ()) -> None:
        """Fail on a traceback or an error line, except those that match `expected`."""
        for role, mark in zip(self.roles, since or repeat(0), strict=False):
            role.assert_log_is_clean(expected=expected, since=(mark,))

    def resident_bytes(self) -> int:
        """Return what the process uses that SDKs connect to."""
        return self.edges[0].resident_bytes()
