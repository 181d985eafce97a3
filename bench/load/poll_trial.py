"""One polled server under one workload: what it is asked, its rounds, its figures."""

import re
import socket
import statistics
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from bench.load.percentiles import percentile
from bench.load.poll_clients import PollClients, Round
from bench.load.polls import PollRefused, PollTarget
from bench.load.process import processor_ns
from bench.result import Better, Column, Row

WORKLOADS: Final = ("200", "304", "traced")
"""Everything is answered; a 304 to those that hold it; the same, each request unlike all others."""

COLUMNS: Final = (
    Column("requests/s", "answers a second, the median of the rounds", better=Better.HIGHER),
    Column(
        "CPU/request",
        "processor time of the server for an answer, the median of the rounds",
        "µs",
        Better.LOWER,
        1,
    ),
    Column("50 %", "from the request to the last byte of its answer", "ms", Better.LOWER, 2),
    Column("99 %", "the same", "ms", Better.LOWER, 2),
    Column("server busy", "processor time of the server as a share of the time", "%"),
    Column("client busy", "processor time of the busiest load process, likewise", "%"),
)

_WARM_UP_SECONDS: Final = 0.1
_ANSWER_SECONDS: Final = 10.0
_ETAG: Final = re.compile(rb"\r\netag: *([^\r]+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Server:
    """What is polled; `headers` are what its SDKs send besides, `pid` None where unseen."""

    name: str
    host: str
    port: int
    pid: int | None
    key: str
    headers: str = ""

    def head(self, *more: str) -> bytes:
        """Return a request as an SDK sends it."""
        return (
            f"GET /features?apiKey={quote(self.key, safe='')}&contextSha=0 HTTP/1.1\r\n"
            f"{self.headers}X-SDK: Java\r\nX-SDK-Version: 4.3\r\n"
            f"{''.join(more)}Host: {self.host}:{self.port}\r\n"
            "Connection: Keep-Alive\r\nAccept-Encoding: gzip\r\nUser-Agent: okhttp/4.12.0\r\n\r\n"
        ).encode()


@dataclass(slots=True)
class Trial:
    """One server under one workload."""

    server: Server
    workload: str
    target: PollTarget
    rounds: list[Round] = field(default_factory=list)
    processor_us: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How it is called in the report."""
        return f"{self.server.name} {self.workload}"

    def play(self, clients: PollClients, number: int, seconds: float) -> None:
        """Play one round with connections of its own.

        Raises:
            PollRefused: the server did not answer as it should.
        """
        clients.open(number)
        clients.play(_WARM_UP_SECONDS)
        pid = self.server.pid
        used_ns = 0 if pid is None else processor_ns(pid)
        played = clients.play(seconds)
        if pid is not None:
            self.processor_us.append((processor_ns(pid) - used_ns) / 1e3 / played.answers)
        self.rounds.append(played)

    def row(self) -> Row:
        """Return what was measured."""
        latencies = sorted(latency for each in self.rounds for latency in each.latencies_seconds)
        rates = [each.answers / each.seconds for each in self.rounds]
        shares = [us * rate / 1e4 for us, rate in zip(self.processor_us, rates, strict=False)]
        return Row(
            self.name,
            {
                "requests/s": statistics.median(rates),
                "CPU/request": statistics.median(self.processor_us) if shares else None,
                "50 %": percentile(latencies, 50) * 1e3,
                "99 %": percentile(latencies, 99) * 1e3,
                "server busy": statistics.median(shares) if shares else None,
                "client busy": self.client_share * 100,
            },
        )

    @property
    def client_share(self) -> float:
        """How busy the load was."""
        return statistics.median(each.client_share for each in self.rounds)


def begin_trial(server: Server, workload: str) -> Trial:
    """Return a trial; to know what a client holds that is answered 304 the server is asked once.

    Raises:
        PollRefused: it does not answer with an etag.
    """
    etag, _ = ask(server)
    held = () if workload == "200" else (f"if-none-match: {etag}\r\n",)
    target = PollTarget(
        server.host,
        server.port,
        server.head(*held),
        304 if held else 200,
        traced=workload == "traced",
    )
    return Trial(server, workload, target)


def ask(server: Server) -> tuple[str, bytes]:
    """Return the etag and the body that `server` answers a poll with.

    Raises:
        PollRefused: it does not answer with both.
    """
    answer = b""
    request = server.head().replace(b"Connection: Keep-Alive", b"Connection: close")
    try:
        with socket.create_connection((server.host, server.port), _ANSWER_SECONDS) as client:
            client.sendall(request)
            while data := client.recv(65536):
                answer += data
    except OSError as error:
        raise PollRefused(f"{server.name}: no answer: {error}") from error
    head, _, body = answer.partition(b"\r\n\r\n")
    etag = _ETAG.search(head + b"\r\n")
    if not head.startswith(b"HTTP/1.1 200") or etag is None:
        raise PollRefused(f"{server.name}: a poll was answered {head[:200]!r}")
    return etag[1].decode("latin-1"), body
