"""The bus of a role: in this process alone, or NATS."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from fh.actors.child import ServiceSpec
from fh.aio import Island
from fh.bus.memory import MemoryBus
from fh.bus.nats import NatsBus
from fh.contracts.event_log import EventLog
from fh.dacha.http_truth import HttpTruth
from fh.roles.settings.bus import BusSettings
from fh.roles.settings.database import DatabaseSettings
from fh.roles.settings.roles import DachaRoleSettings, EdgeRoleSettings

AnyBus: TypeAlias = MemoryBus | NatsBus

_MOMENTS = {"connected", "subscribers", "waiting", "waiting_bytes"}


def make_bus(
    island: Island,
    settings: BusSettings,
    event_log: EventLog | None,
    begin: Callable[[], int] = lambda: -1,
    *,
    reloads_without_log: bool = True,
    log_address: str = "",
) -> AnyBus:
    """Return the bus that `settings` ask for; what NATS loses is taken from `event_log`.

    `begin` returns the number up to which that is known already.
    """
    nats = settings.nats()
    if nats is None:
        return MemoryBus()
    if isinstance(settings, DatabaseSettings):
        # Each takes a connection, and the admin API needs some, too.
        at_once = min(nats.updates_at_once, max(1, settings.connections_most // 2))
        nats = replace(nats, updates_at_once=at_once)
    return NatsBus(
        island,
        nats,
        event_log=event_log,
        begin=begin,
        reloads_without_log=reloads_without_log,
        log_address=log_address,
    )


def make_nats(
    island: Island,
    settings: DachaRoleSettings | EdgeRoleSettings,
    event_log: HttpTruth,
    begin: Callable[[], int],
) -> NatsBus:
    """Return the bus of a role that has no other way to hear of changes."""
    bus = make_bus(
        island,
        settings,
        event_log,
        begin,
        reloads_without_log=settings.reloads_without_log,
        log_address=event_log.address,
    )
    assert isinstance(bus, NatsBus), "the settings were checked"
    return bus


def bus_parts(bus: AnyBus) -> Sequence[ServiceSpec]:
    """Return the services of `bus`."""
    return [ServiceSpec("bus", bus.run)] if isinstance(bus, NatsBus) else []


class BusCollector(Collector):
    """The figures of NATS for Prometheus: `bus_connected`, `bus_published_total` and so on."""

    def __init__(self, bus: NatsBus) -> None:
        self._bus = bus

    def collect(self) -> Sequence[GaugeMetricFamily | CounterMetricFamily]:
        """Return the metrics of this moment."""
        figures = asdict(self._bus.statistics())
        following = self._bus.following
        if following is not None:
            figures |= {f"following_{name}": at for name, at in asdict(following).items()}
        return [
            GaugeMetricFamily(f"bus_{name}", f"NATS: {name.replace('_', ' ')}", value=float(value))
            if name in _MOMENTS or name == "following_at"
            else CounterMetricFamily(
                f"bus_{name}", f"NATS: {name.replace('_', ' ')}", value=float(value)
            )
            for name, value in figures.items()
        ]
