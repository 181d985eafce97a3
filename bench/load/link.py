"""The driver's side of the load: starts client processes and adds up what they report."""

import base64
import json
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

_ENDING_SECONDS = 10


class LoadFailed(Exception):
    """A client process refused or ended; the text is its own."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What the client processes shall do together."""

    host: str
    port: int
    path: str
    ready_mark: str
    streams: int
    processes: int = 1
    window: int = 128
    life_seconds: float = 600
    allow_remote: bool = False
    user_keys: bool = False
    environments: int = 1


@dataclass(frozen=True, slots=True)
class FanOut:
    """One event, or a burst of them, as the streams saw it.

    `latencies_seconds` are ordered and count from each event's publish instant; `seconds` is from
    the first publish instant to the last receipt. `missing` streams did not get the last event,
    `superseded` arrivals did not take place because a newer event took theirs. `client_seconds`
    is the processor time of the busiest client process between the first publish instant and the
    last receipt. `by_strategy` arrivals brought the strategy's value, `wrong_outcomes` another
    value than was due.
    """

    latencies_seconds: tuple[float, ...]
    missing: int
    duplicates: int
    ended_streams: int
    received_bytes: int
    client_seconds: float
    by_strategy: int = 0
    wrong_outcomes: int = 0
    superseded: int = 0
    seconds: float = 0.0

    @property
    def deliveries(self) -> int:
        """How many events arrived, over all streams."""
        return len(self.latencies_seconds)

    @property
    def client_share(self) -> float:
        """How much of the fan-out the busiest client process was computing, 0 to about 1."""
        return self.client_seconds / self.seconds if self.seconds > 0 else 0.0


class LoadClient:
    """One client process."""

    def __init__(self, plan: LoadPlan, streams: int, first_index: int) -> None:
        self.streams = streams
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed in __exit__
        command = [sys.executable, "-m", "bench.load"]
        command += ["--host", plan.host, "--port", str(plan.port), "--path", plan.path]
        command += ["--ready-mark", plan.ready_mark, "--streams", str(streams)]
        command += ["--first-index", str(first_index), "--window", str(plan.window)]
        command += ["--seconds", str(plan.life_seconds), "--environments", str(plan.environments)]
        if plan.allow_remote:
            command.append("--allow-remote")
        if plan.user_keys:
            command.append("--user-keys")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            assert self._process.stdin
            self._process.stdin.close()
        else:
            self._process.kill()
        try:
            self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            assert stream
            stream.close()

    def order(self, **order: object) -> None:
        """Send one order."""
        assert self._process.stdin
        try:
            print(json.dumps(order), file=self._process.stdin, flush=True)
        except BrokenPipeError as error:
            raise self._failed() from error

    def report(self) -> dict[str, Any]:
        """Return the next report.

        Raises:
            LoadFailed: the process has ended.
        """
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise self._failed()
        report: dict[str, Any] = json.loads(line)
        return report

    def _failed(self) -> LoadFailed:
        self._process.wait(_ENDING_SECONDS)
        self._errors.seek(0)
        return LoadFailed(self._errors.read().strip() or "the load client has gone")


class Load:
    """All client processes of one contestant."""

    def __init__(self, clients: list[LoadClient], plan: LoadPlan) -> None:
        self._clients = clients
        self.streams = plan.streams
        self.connects_per_second = 0.0

    def wait_open(self) -> None:
        """Return when every stream is ready.

        Raises:
            LoadFailed: a stream was refused.
        """
        slowest = max(float(client.report()["seconds"]) for client in self._clients)
        self.connects_per_second = self.streams / slowest

    def fan_out(
        self, number: int, publish: Callable[[], int], *, seconds: float, first: int | None = None
    ) -> FanOut:
        """Arm the clients, publish event `number`, return what arrived within `seconds`.

        With `first` it is a burst: all events from that on, each published by a call of `publish`.
        `publish` returns the instant of publishing, in monotonic nanoseconds.

        Raises:
            LoadFailed: a client process has ended.
        """
        numbers = range(number if first is None else first, number + 1)
        for client in self._clients:
            client.order(expect=number, first=numbers[0], seconds=seconds)
        for client in self._clients:
            client.report()
        published_ns = {each: publish() for each in numbers}
        reports = [client.report() for client in self._clients]
        latencies_ns: list[int] = []
        last_ns = started_ns = published_ns[numbers[0]]
        for report in reports:
            for each, encoded in report["receipts"].items():
                receipts = array("q", base64.b64decode(encoded))
                latencies_ns += [receipt - published_ns[int(each)] for receipt in receipts]
                last_ns = max(last_ns, receipts[-1])
        missing = self.streams - sum(report["finished"] for report in reports)
        return FanOut(
            latencies_seconds=tuple(latency / 1e9 for latency in sorted(latencies_ns)),
            missing=missing,
            duplicates=sum(report["duplicates"] for report in reports),
            ended_streams=sum(report["ended_streams"] for report in reports),
            received_bytes=sum(report["received_bytes"] for report in reports),
            client_seconds=max(report["processor_seconds"] for report in reports),
            by_strategy=sum(report["by_strategy"] for report in reports),
            wrong_outcomes=sum(report["wrong_outcomes"] for report in reports),
            superseded=self.streams * len(numbers) - missing - len(latencies_ns),
            seconds=(last_ns - started_ns) / 1e9,
        )


@contextmanager
def open_load(plan: LoadPlan) -> Iterator[Load]:
    """Start the client processes; they end with the block."""
    share, more = divmod(plan.streams, plan.processes)
    with ExitStack() as stack:
        clients: list[LoadClient] = []
        first = 0
        for index in range(plan.processes):
            streams = share + (index < more)
            if streams:
                clients.append(stack.enter_context(LoadClient(plan, streams, first)))
            first += streams
        yield Load(clients, plan)
