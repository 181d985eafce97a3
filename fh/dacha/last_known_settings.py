"""What an operator can say about the file that outlives a restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fh.config import Fault, Secret, secret, setting, text, whole
from fh.wire.sealing_key import key_weakness

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LastKnownSettings:
    """Where the file is, what it is sealed with, and how often it is written."""

    file: str = setting(
        "fh.last-known.file", "", text, "keeps what is known across restarts; empty: nothing does"
    )
    key: Secret = setting(
        "fh.last-known.key",
        Secret(),
        secret,
        "seals that file: 64 hexadecimal digits, or a passphrase of 16 characters or more",
    )
    seconds: float = setting(
        "fh.last-known.seconds", 30, whole(1, 86_400), "time between looks for something to keep"
    )
    most_megabytes: int = setting(
        "fh.last-known.maximum-megabytes", 1024, whole(1, 1_000_000), "size of that file at most"
    )

    def path(self) -> Path | None:
        """Return where the file is; None where nothing is kept."""
        return Path(self.file).expanduser() if self.file else None

    @property
    def most_bytes(self) -> int:
        """The size beyond which nothing more is added."""
        return self.most_megabytes * _MEGABYTE


def check_last_known(settings: LastKnownSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    key = settings.key.reveal
    if not settings.file:
        belongs = "is missing: fh.last-known.key belongs to it"
        return [Fault("fh.last-known.file", belongs)] if key else []
    if not key:
        return [Fault("fh.last-known.key", "is missing: fh.last-known.file needs it")]
    if (weakness := key_weakness(key)) is not None:
        return [Fault("fh.last-known.key", weakness)]
    return []
