"""One workload for any deployment: streams at every Edge in every environment, polls, updates.

Updates come at a rate, each in the next environment; the next one waits until every stream of the
environment has this one, so that none is hidden by a later one.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import cycle
from threading import Event, Thread

from bench.deployment.admin import Admin
from bench.deployment.contents import TEXT_FEATURE
from bench.deployment.process import DeploymentFailed
from bench.deployment.shapes import Deployment
from bench.load.link import Load, LoadClient, LoadPlan
from bench.load.marker import padded_value, scan
from fh.model.sdk_key import SdkKey

_READY_MARK = "event: features"
_VALUE_BYTES = 100
_DELIVERY_SECONDS = 60.0
_SETTLING_SECONDS = 2.0
_POLL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it: `streams` in all, updates and polls a second, seconds to live at most."""

    streams: int
    updates_per_second: float
    polls_per_second: float
    life_seconds: float


@dataclass(slots=True)
class Seen:
    """What was measured so far; `late_seconds` from the admin's answer to the last stream."""

    late_seconds: list[float] = field(default_factory=list)
    put_seconds: list[float] = field(default_factory=list)
    poll_seconds: list[float] = field(default_factory=list)
    processor_seconds: float = 0.0
    deliveries: int = 0
    missing: int = 0
    ended_streams: int = 0
    refused_polls: int = 0


class Workload:
    """A deployment with all its streams open."""

    def __init__(
        self,
        deployment: Deployment,
        admin: Admin,
        keys: Sequence[SdkKey],
        plan: Plan,
        loads: Sequence[Load],
    ) -> None:
        """Change the environments of `keys`; in each of them `loads` has streams."""
        self.deployment = deployment
        self.seen = Seen()
        self._admin = admin
        self._keys = list(keys)
        self._plan = plan
        self._loads = list(loads)
        self._number = 0
        self._newest = dict.fromkeys(self._keys, 0)

    def idle(self, seconds: float) -> float:
        """Return how much of a processor the deployment uses while nobody wants anything."""
        before = self.deployment.processor_seconds()
        time.sleep(seconds)
        return (self.deployment.processor_seconds() - before) / seconds

    def play(self, updates: int) -> None:
        """Make `updates` changes while clients poll."""
        before = self.deployment.processor_seconds()
        with self._polling():
            due = time.monotonic()
            for _ in range(updates):
                time.sleep(max(0.0, due - time.monotonic()))
                due = max(due, time.monotonic()) + 1 / self._plan.updates_per_second
                self._update()
        self.seen.processor_seconds += self.deployment.processor_seconds() - before

    def behind_mr(self) -> int:
        """Return in how many environments MR holds something else than the streams were sent."""
        return sum(
            scan(self._admin.text(key.environment_id, TEXT_FEATURE).encode())[0] != [newest]
            for key, newest in self._newest.items()
        )

    def _update(self) -> None:
        place = self._number % len(self._keys)
        key, load = self._keys[place], self._loads[place]
        self._number += 1
        number = self._number
        sent_seconds = time.monotonic()

        def change() -> int:
            text = padded_value(number, _VALUE_BYTES)
            answered_ns = self._admin.change_text(key.environment_id, TEXT_FEATURE, text)
            self.seen.put_seconds.append(answered_ns / 1e9 - sent_seconds)
            return answered_ns

        found = load.fan_out(number, change, seconds=_DELIVERY_SECONDS)
        self._newest[key] = number
        self.seen.deliveries += len(found.latencies_seconds)
        self.seen.missing += found.missing
        self.seen.ended_streams += found.ended_streams
        if found.latencies_seconds:
            # Streams may have it before the admin has the answer.
            self.seen.late_seconds.append(max(0.0, found.latencies_seconds[-1]))

    @contextmanager
    def _polling(self) -> Iterator[None]:
        ended = Event()
        thread = Thread(target=self._poll_until, args=(ended,))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _poll_until(self, ended: Event) -> None:
        """Poll every environment at every Edge in turn, over a connection to each."""
        with ExitStack() as stack:
            connections = []
            for edge in self.deployment.edges:
                connection = HTTPConnection("127.0.0.1", edge.port, timeout=_POLL_SECONDS)
                stack.callback(connection.close)
                connections.append(connection)
            asked = [(connection, key) for key in self._keys for connection in connections]
            for connection, key in cycle(asked):
                if ended.wait(1 / self._plan.polls_per_second):
                    return
                began = time.perf_counter()
                connection.request("GET", f"/features?apiKey={key.environment_id}/{key.secret}")
                answer = connection.getresponse()
                answer.read()
                self.seen.poll_seconds.append(time.perf_counter() - began)
                self.seen.refused_polls += answer.status != 200


@contextmanager
def open_workload(
    deployment: Deployment, admin: Admin, keys: Sequence[SdkKey], plan: Plan
) -> Iterator[Workload]:
    """Open all streams, spread evenly over environments and Edges; they close at the end.

    Raises:
        LoadFailed: a stream was refused.
    """
    places = [(key, edge.port) for key in keys for edge in deployment.edges]
    share, more = divmod(plan.streams, len(places))
    if not share:
        raise DeploymentFailed(f"{plan.streams} streams are fewer than {len(places)} places")
    with ExitStack() as stack:
        clients: dict[SdkKey, list[LoadClient]] = {key: [] for key in keys}
        for place, (key, port) in enumerate(places):
            streams = share + (place < more)
            wanted = LoadPlan(
                "127.0.0.1",
                port,
                f"/features/{key.environment_id}/{key.secret}",
                _READY_MARK,
                streams,
                life_seconds=plan.life_seconds,
            )
            client = LoadClient(wanted, streams, first_index=0)
            clients[key].append(stack.enter_context(client))
        loads = [
            Load(some, LoadPlan("", 0, "", "", sum(client.streams for client in some)))
            for some in clients.values()
        ]
        for load in loads:
            load.wait_open()
        time.sleep(_SETTLING_SECONDS)
        yield Workload(deployment, admin, keys, plan, loads)
