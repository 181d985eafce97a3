"""Where the next part is, and what opens it."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fh.config import Fault, Secret, secret, setting, text, whole

_MILLISECONDS = whole(1, 600_000)
_DEFAULT_CACHE = "default"


def _cache_name(value: str) -> str:
    return value.lower() or _DEFAULT_CACHE


@dataclass(frozen=True)
class UpstreamSettings:
    """How every role asks another one."""

    connect_milliseconds: int = setting(
        "dacha.timeout.connect", 4000, _MILLISECONDS, "time to be connected, in milliseconds"
    )
    read_milliseconds: int = setting(
        "dacha.timeout.read", 4000, _MILLISECONDS, "time for an answer, in milliseconds"
    )
    upstream_key: Secret = setting(
        "dacha2.cache.api-key", Secret(), secret, "shown to whoever is asked"
    )


@dataclass(frozen=True)
class ManagementSettings(UpstreamSettings):
    """Where MR is."""

    management_url: str = setting(
        "management-repository.url", "", text, "where MR is, such as http://mr:8085"
    )


@dataclass(frozen=True)
class DachaAddressSettings(UpstreamSettings):
    """Where Dacha is."""

    cache_name: str = setting(
        "cache.name", _DEFAULT_CACHE, _cache_name, "which dacha.url.… it is that counts"
    )
    dacha_url: str = setting(
        "dacha.url.{cache.name}", "", text, "where Dacha is, such as http://dacha:8902"
    )


def check_url(name: str, url: str) -> Sequence[Fault]:
    """Return what is wrong with the URL of property `name`, which has to be there."""
    if not url:
        return [Fault(name, "is missing")]
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    return [Fault(name, f"expected a URL such as http://host:8085, not {url!r}")] if wrong else []
