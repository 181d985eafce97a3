"""The roles, and what of their settings must fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fh.config import Fault, Secret, properties_of, secrets, setting
from fh.dacha.last_known_settings import check_last_known
from fh.roles.settings.admin import AdminPartSettings, check_admin
from fh.roles.settings.bus import BusSettings, check_bus
from fh.roles.settings.dacha import DachaPartSettings, check_disconnects
from fh.roles.settings.database import (
    DatabaseSettings,
    ReplicaSettings,
    check_database,
    check_replica,
)
from fh.roles.settings.edge import EdgePartSettings
from fh.roles.settings.listening import PORT, ListeningSettings, check_listening
from fh.roles.settings.mr import MrPartSettings
from fh.roles.settings.publishing import PublishingPartSettings
from fh.roles.settings.upstream import DachaAddressSettings, ManagementSettings, check_url
from fh.roles.settings.workers import WorkersPartSettings, check_workers, workers_asked
from fh.roles.worker_count import ONE_A_CORE, WorkerCount

_EDGE_PORT = 8553
_DACHA_PORT = 8902


@dataclass(frozen=True)
class PartyServerSettings(
    AdminPartSettings,
    BusSettings,
    DachaPartSettings,
    DatabaseSettings,
    MrPartSettings,
    WorkersPartSettings,
):
    """Everything that a party-server can be told."""


@dataclass(frozen=True)
class MrRoleSettings(BusSettings, DatabaseSettings, MrPartSettings):
    """Everything that an MR can be told."""


@dataclass(frozen=True)
class DachaRoleSettings(BusSettings, DachaPartSettings, ManagementSettings, ListeningSettings):
    """Everything that a Dacha can be told."""

    port: int = setting("server.port", _DACHA_PORT, PORT, "port to listen on; 0 for any")
    served_keys: tuple[Secret, ...] = setting(
        "fh.dacha.api-keys", (), secrets, "keys that Edges have to show; none lets everybody ask"
    )


@dataclass(frozen=True)
class EdgeRoleSettings(
    AdminPartSettings, BusSettings, DachaPartSettings, DachaAddressSettings, WorkersPartSettings
):
    """Everything that an Edge can be told."""

    port: int = setting("server.port", _EDGE_PORT, PORT, "port to listen on; 0 for any")
    workers: int = setting(
        "fh.workers",
        ONE_A_CORE,
        workers_asked,
        "processes for streams and polls; 0 for none but this one, -1 or auto for one a core",
    )

    def worker_count(self) -> WorkerCount:
        """Return how many workers there are; a cache that passes through has none unasked."""
        if self.passes_through and self.workers == ONE_A_CORE:
            return replace(self, workers=0).worker_count()
        return super().worker_count()


@dataclass(frozen=True)
class EdgeRestSettings(ReplicaSettings, DatabaseSettings, PublishingPartSettings, EdgePartSettings):
    """Everything that an Edge-REST can be told."""

    port: int = setting("server.port", _EDGE_PORT, PORT, "port to listen on; 0 for any")


@dataclass(frozen=True)
class PartyServerIshSettings(ReplicaSettings, DatabaseSettings, MrPartSettings, EdgePartSettings):
    """Everything that a party-server-ish can be told."""


SETTINGS: Final[Mapping[str, type[ListeningSettings]]] = {
    "party-server": PartyServerSettings,
    "mr": MrRoleSettings,
    "dacha": DachaRoleSettings,
    "edge": EdgeRoleSettings,
    "edge-rest": EdgeRestSettings,
    "party-server-ish": PartyServerIshSettings,
}
"""The settings of each role, by its name."""

KNOWN: Final = frozenset(name for each in SETTINGS.values() for name in properties_of(each))
"""Every property that some role can be told."""


def check_party_server(settings: PartyServerSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    return [
        *check_last_known(settings.last_known()),
        *check_disconnects(settings, settings.worker_count().count),
        *check_bus(settings, required=False),
        *check_database(settings),
        *check_workers(settings),
        *check_admin(settings),
        *check_listening(settings),
    ]


def check_mr(settings: MrRoleSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    return [
        *check_bus(settings, required=True),
        *check_database(settings),
        *check_listening(settings),
    ]


def check_dacha(settings: DachaRoleSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    return [
        *check_bus(settings, required=True),
        *check_last_known(settings.last_known()),
        *check_url("management-repository.url", settings.management_url),
        *check_listening(settings),
    ]


def check_edge(settings: EdgeRoleSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    return [
        *check_bus(settings, required=True),
        *check_last_known(settings.last_known()),
        *check_disconnects(settings, settings.worker_count().count),
        *check_url(f"dacha.url.{settings.cache_name}", settings.dacha_url),
        *check_workers(settings),
        *check_admin(settings),
        *check_listening(settings),
    ]


def check_edge_rest(settings: EdgeRestSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    missing = (
        []
        if settings.database_url
        else [Fault("db.url", "is missing: an Edge-REST reads an MR's database")]
    )
    return [
        *missing,
        *check_database(settings),
        *check_replica(settings),
        *check_listening(settings),
    ]


def check_party_server_ish(settings: PartyServerIshSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    return [*check_database(settings), *check_replica(settings), *check_listening(settings)]
