"""The port, TLS, and logs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fh.config import Fault, Secret, names, one_of, secret, setting, text, whole
from fh.http.cors import Cors
from fh.http.health import PROBE_PATHS
from fh.http.key_pair import KeyPairFiles, KeyPairRefused, load_key_pair
from fh.log import FORMATS, LEVELS

SECONDS = whole(0, 86_400)
COUNT = whole(1, 10_000_000)
PORT = whole(0, 65_535)

_URL_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")


def url_path(value: str) -> str:
    """Read a path of plain segments; the slash at its end does not count."""
    if not value or not _URL_PATH.fullmatch(value):
        raise ValueError(f"expected a path such as /flags, not {value!r}")
    return value.rstrip("/") or "/"


@dataclass(frozen=True)
class ListeningSettings:
    """What every role that listens can be told."""

    port: int = setting("server.port", 8085, PORT, "port to listen on; 0 for any")
    host: str = setting("server.host", "", text, "address to listen on; every one if empty")
    url_path: str = setting(
        "featurehub.url-path", "/", url_path, "path below which everything is; probes are at / too"
    )
    grace_seconds: int = setting(
        "server.gracePeriodInSeconds", 1, SECONDS, "time over which streams are ended at shutdown"
    )
    monitor_port: int = setting(
        "monitor.port", 0, PORT, "port of health and metrics alone; 0 for none of its own"
    )
    tls_certificate: str = setting(
        "server.tls.certificate", "", text, "certificate with its chain, PEM; set, it turns TLS on"
    )
    tls_key: str = setting("server.tls.key", "", text, "the certificate's private key, PEM")
    tls_key_password: Secret = setting(
        "server.tls.key-password", Secret(), secret, "opens the key where it is encrypted"
    )
    tls_plain: str = setting(
        "server.tls.plain",
        "health",
        one_of("none", "health", "all"),
        "what the port serves without TLS beside it: nothing, health probes, or everything",
    )
    tls_look_seconds: int = setting(
        "server.tls.reload-seconds",
        5,
        SECONDS,
        "time between looks for a renewed certificate; 0 for SIGHUP only",
    )
    tls_connections: int = setting(
        "server.tls.maximum-connections", 10_000, COUNT, "connections with TLS or HTTP/2 at most"
    )
    cors_headers: tuple[str, ...] = setting(
        "jersey.cors.headers", (), names, "more request headers that browsers may send"
    )
    cors_exposed: tuple[str, ...] = setting(
        "jersey.cors.expose-headers", (), names, "more answer headers that browsers may read"
    )
    cors_seconds: int = setting(
        "jersey.cors.timeout", 86_400, SECONDS, "how long browsers remember a preflight"
    )
    log_level: str = setting("fh.log.level", "info", one_of(*LEVELS), "least important log lines")
    log_format: str = setting(
        "fh.log.format", "auto", one_of(*FORMATS), "auto: readable on a terminal, else JSON"
    )

    def key_pair(self) -> KeyPairFiles | None:
        """Return where the certificate and its key are; None without TLS."""
        if not self.tls_certificate or not self.tls_key:
            return None
        return KeyPairFiles(
            Path(self.tls_certificate).expanduser(),
            Path(self.tls_key).expanduser(),
            self.tls_key_password,
        )

    def cors(self) -> Cors:
        """Return what pages from elsewhere may do, where a web application answers them."""
        return Cors(",".join(self.cors_headers), ",".join(self.cors_exposed), self.cors_seconds)

    @property
    def root(self) -> tuple[str, ...]:
        """The segments of the path below which everything is."""
        return tuple(self.url_path.split("/")[1:]) if self.url_path != "/" else ()

    def plain_paths(self) -> frozenset[str] | None:
        """Return the paths that are served without TLS; None for all."""
        if self.key_pair() is None or self.tls_plain == "all":
            return None
        if self.tls_plain == "none":
            return frozenset()
        prefix = self.url_path.rstrip("/")
        return PROBE_PATHS | {prefix + path for path in PROBE_PATHS}


def check_listening(settings: ListeningSettings) -> Sequence[Fault]:
    """Return what is wrong with them taken together."""
    if settings.monitor_port and settings.monitor_port == settings.port:
        return [Fault("monitor.port", "is server.port: leave it unset for one port")]
    return _check_tls(settings)


def _check_tls(settings: ListeningSettings) -> Sequence[Fault]:
    if files := settings.key_pair():
        try:
            load_key_pair(files)
        except KeyPairRefused as refusal:
            return [Fault(f"server.tls.{refusal.part}", str(refusal))]
    elif settings.tls_certificate:
        return [Fault("server.tls.key", "is missing: server.tls.certificate needs it")]
    elif settings.tls_key or settings.tls_key_password.reveal:
        return [Fault("server.tls.certificate", "is missing: server.tls.key belongs to it")]
    return []
