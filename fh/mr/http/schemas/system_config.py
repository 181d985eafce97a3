"""The settings of the site on the wire."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from fh.mr.services.system_config import ShownSetting
from fh.mr.system_config import Value


class SystemConfig(Struct, frozen=True, omit_defaults=True):
    """A setting; -1 is the version of one that nobody set."""

    key: str
    encrypted: bool
    version: int
    value: Value = None


class SystemConfigs(Struct, frozen=True):
    """Settings."""

    configs: tuple[SystemConfig, ...]


class UpdatedSystemConfig(Struct, frozen=True):
    """What a setting is to be; null clears it. Without a key it is passed over, as unknown ones."""

    key: str = ""
    version: int | None = None
    value: Any = None  # of any type: what fits is the setting's business


class UpdatedSystemConfigs(Struct, frozen=True, rename="camel"):
    """What settings are to be; nothing is tried out, whatever `try_out` says."""

    configs: Annotated[tuple[UpdatedSystemConfig, ...], Meta(max_length=1000)] = ()
    try_out: tuple[str, ...] | None = None


class SystemConfigDecryptResult(Struct, frozen=True, omit_defaults=True):
    """A secret."""

    result: str | None = None


class SlackRedirect(Struct, frozen=True):
    """Where tests have Slack's messages sent."""

    url: str | None = field(name="slack-url", default=None)


def settings_body(found: Sequence[ShownSetting]) -> SystemConfigs:
    """Return settings."""
    return SystemConfigs(
        tuple(
            SystemConfig(one.setting.key, one.setting.is_secret, one.version, one.value)
            for one in found
        )
    )
