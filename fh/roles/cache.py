"""The cache of a role, with the file that outlives its restarts, if one is wanted."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from fh.actors.child import ServiceSpec
from fh.bus.nats import NatsBus
from fh.contracts.truth import TruthSource
from fh.dacha.dacha import Dacha
from fh.dacha.last_known import LastKnown
from fh.dacha.last_known_metrics import LastKnownCollector
from fh.dacha.metrics import DachaCollector
from fh.roles.bus import AnyBus
from fh.roles.settings.dacha import DachaPartSettings
from fh.wire.last_known import NO_POSITION

_DRAIN_SECONDS = 8.0


def make_dacha(truth: TruthSource, bus: AnyBus, settings: DachaPartSettings) -> Dacha:
    """Return the cache of what `truth` knows, as fresh as `settings` want it while `bus` is away.

    A bus inside this process never is.
    """
    if not settings.passes_through or not isinstance(bus, NatsBus):
        return Dacha(truth, settings.dacha())
    return Dacha(truth, settings.dacha(), asks_anew=lambda: bus.is_away)


class CacheParts:
    """`dacha`, and its last known good."""

    def __init__(
        self,
        dacha: Dacha,
        settings: DachaPartSettings,
        registry: CollectorRegistry,
        *,
        origin: str,
        position: Callable[[], int],
    ) -> None:
        """Keep what comes from `origin`; `position` is the number that is followed to."""
        self._dacha = dacha
        kept = settings.last_known()
        self._last_known = (
            LastKnown(dacha, kept, origin=origin, position=position) if kept.path() else None
        )
        registry.register(DachaCollector(dacha.statistics))
        if self._last_known is not None:
            registry.register(LastKnownCollector(self._last_known.statistics))

    @property
    def position(self) -> int:
        """The number up to which the file went that the cache began with; -1 for none."""
        return NO_POSITION if self._last_known is None else self._last_known.position

    def specs(self) -> Sequence[ServiceSpec]:
        """Return the services: the file is read before the cache begins, written after its end."""
        dacha = ServiceSpec(
            "dacha", self._dacha.run, drain=self._dacha.stop, drain_seconds=_DRAIN_SECONDS
        )
        if self._last_known is None:
            return [dacha]
        kept = self._last_known
        return [
            ServiceSpec("last-known", kept.run, drain=kept.drain, drain_seconds=_DRAIN_SECONDS),
            dacha,
        ]
