"""What operators may do."""

from collections.abc import Sequence
from dataclasses import dataclass

from fh.config import Fault, setting
from fh.http.admin_keys import AdminKey, admin_keys
from fh.roles.settings.listening import ListeningSettings


@dataclass(frozen=True)
class AdminPartSettings(ListeningSettings):
    """What every role can be told that has streams."""

    admin_keys: tuple[AdminKey, ...] = setting(
        "fh.admin.keys",
        (),
        admin_keys,
        "keys with which operators see streams, drain, kick and pause on monitor.port",
    )


def check_admin(settings: AdminPartSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    if settings.admin_keys and not settings.monitor_port:
        return [Fault("monitor.port", "is missing: fh.admin.keys are for that port alone")]
    return []
