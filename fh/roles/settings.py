"""The settings of each role, under FeatureHub's property names.

Source: section 8.3 of the data plane's contract and 11.3 of the admin contract.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fh.config import (
    Fault,
    Secret,
    boolean,
    header_value,
    names,
    one_of,
    path,
    secret,
    setting,
    text,
    whole,
)
from fh.dacha.settings import DachaSettings
from fh.db.dsn import parse_dsn
from fh.db.errors import InvalidDatabaseUrl
from fh.edge.settings import EdgeSettings
from fh.http.cors import Cors
from fh.http.health import PROBE_PATHS
from fh.http.key_pair import KeyPairFiles, KeyPairRefused, load_key_pair
from fh.log import FORMATS, LEVELS
from fh.mr.settings import MrSettings

_SECONDS = whole(0, 86_400)
_COUNT = whole(1, 10_000_000)
_UNSET = -1
_DROP_AFTER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class PartyServerSettings:
    """Everything that a party-server can be told."""

    port: int = setting("server.port", 8085, whole(0, 65_535), "port to listen on; 0 for any")
    host: str = setting("server.host", "", text, "address to listen on; every one if empty")
    grace_seconds: int = setting(
        "server.gracePeriodInSeconds", 1, _SECONDS, "time over which streams are ended at shutdown"
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
        whole(0, 86_400),
        "time between looks for a renewed certificate; 0 for SIGHUP only",
    )
    tls_connections: int = setting(
        "server.tls.maximum-connections", 10_000, _COUNT, "connections with TLS or HTTP/2 at most"
    )
    data_directory: Path = setting(
        "fh.data-dir", Path("data"), path, "where the embedded PostgreSQL keeps its data"
    )
    database_url: str = setting(
        "db.url", "", text, "a PostgreSQL 15 to 18 to use instead of the embedded one"
    )
    database_user: str = setting("db.username", "", text, "user of the database at db.url")
    database_password: Secret = setting("db.password", Secret(), secret, "its password")
    connections_least: int = setting(
        "db.minConnections", 3, whole(0, 1000), "database connections kept open"
    )
    connections_most: int = setting(
        "db.maxConnections", 10, whole(1, 1000), "database connections at most"
    )
    nats_urls: tuple[str, ...] = setting("nats.urls", (), names, "not supported yet: must be empty")
    drop_after_seconds: int = setting(
        "edge.sse.drop-after-seconds",
        _DROP_AFTER_SECONDS,
        _SECONDS,
        "life of a stream; 0 for no end",
    )
    legacy_drop_after_seconds: int = setting(
        "maxSlots", _UNSET, whole(_UNSET, 86_400), "old name of edge.sse.drop-after-seconds"
    )
    heartbeat_seconds: int = setting(
        "edge.sse.heartbeat-period", 0, _SECONDS, "time between heartbeats on streams; 0 for none"
    )
    head_seconds: int = setting(
        "edge.head-timeout-seconds", 10, whole(1, 600), "time a client has to send a request's head"
    )
    slow_seconds: int = setting(
        "edge.sse.slow-client-seconds", 10, whole(1, 600), "time without progress until eviction"
    )
    slow_bytes: int = setting(
        "edge.sse.slow-client-bytes",
        262_144,
        whole(4096, 1 << 30),
        "kept for a slow client at most",
    )
    most_sockets: int = setting(
        "edge.websocket.maximum", 2000, whole(0, 1_000_000), "WebSockets open at once; 0 for none"
    )
    streamed_environments: int = setting(
        "edge.cache.streamed-maximum-environments", 5000, _COUNT, "environments with streams"
    )
    poll_cache_control: str = setting(
        "edge.cache-control.header", "", header_value, "Cache-Control of polls"
    )
    fastly_key: Secret = setting(
        "edge.cache.fastly.key", Secret(), secret, "set where Fastly stands before Edge: its key"
    )
    portable_engine: bool = setting(
        "edge.portable-engine", False, boolean, "serve streams without epoll, a task for each"
    )
    cors_headers: tuple[str, ...] = setting(
        "jersey.cors.headers", (), names, "more request headers that browsers may send"
    )
    cors_exposed: tuple[str, ...] = setting(
        "jersey.cors.expose-headers", (), names, "more answer headers that browsers may read"
    )
    cors_seconds: int = setting(
        "jersey.cors.timeout", 86_400, _SECONDS, "how long browsers remember a preflight"
    )
    cached_environments: int = setting(
        "dacha2.cache.environment.size", 10_000, _COUNT, "environments kept in memory"
    )
    cached_environment_misses: int = setting(
        "dacha2.cache.environment.miss-size", 10_000, _COUNT, "unknown environments remembered"
    )
    cached_accounts: int = setting(
        "dacha2.cache.service-account.size", 10_000, _COUNT, "service accounts kept in memory"
    )
    cached_account_misses: int = setting(
        "dacha2.cache.service-account.miss-size", 10_000, _COUNT, "unknown keys remembered"
    )
    cache_all_updates: bool = setting(
        "dacha2.cache.all-updates", True, boolean, "keep what is published before it is asked for"
    )
    api_cache_control: str = setting(
        "cache-control.api", "no-store, max-age=0", header_value, "Cache-Control of the admin API"
    )
    api_cache_control_enabled: bool = setting(
        "cache-control.api.enabled", True, boolean, "whether it is sent"
    )
    login_disabled: bool = setting(
        "auth.disable-login", False, boolean, "refuse logins with a password"
    )
    admin_group_suffix: str = setting(
        "portfolio.admin.group.suffix", "Administrators", text, "name of admin groups"
    )
    production_name: str = setting(
        "environment.production.name", "production", text, "first environment of an application"
    )
    production_description: str = setting(
        "environment.production.desc", "production", text, "its description"
    )
    tracking_id: str = setting("ga.tracking-id", "", text, "analytics id handed to the admin UI")
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

    def edge(self) -> EdgeSettings:
        """Return Edge's share."""
        drop_after_seconds = self.drop_after_seconds
        if self.legacy_drop_after_seconds > 0 and drop_after_seconds == _DROP_AFTER_SECONDS:
            drop_after_seconds = self.legacy_drop_after_seconds
        return EdgeSettings(
            drop_after_seconds=drop_after_seconds,
            heartbeat_seconds=self.heartbeat_seconds,
            grace_seconds=self.grace_seconds,
            head_seconds=self.head_seconds,
            slow_seconds=self.slow_seconds,
            slow_bytes=self.slow_bytes,
            most_sockets=self.most_sockets,
            environments=self.streamed_environments,
            cache_control=self.poll_cache_control,
            surrogate_keys=bool(self.fastly_key.reveal),
            cors_allow_headers=self.cors_headers,
            cors_expose_headers=self.cors_exposed,
            cors_seconds=self.cors_seconds,
            plain_paths=self._plain_paths(),
            portable_engine=self.portable_engine,
        )

    def _plain_paths(self) -> frozenset[str] | None:
        if self.key_pair() is None or self.tls_plain == "all":
            return None
        return PROBE_PATHS if self.tls_plain == "health" else frozenset()

    def dacha(self) -> DachaSettings:
        """Return Dacha's share."""
        return DachaSettings(
            environments=self.cached_environments,
            environment_misses=self.cached_environment_misses,
            accounts=self.cached_accounts,
            account_misses=self.cached_account_misses,
            cache_all_updates=self.cache_all_updates,
        )

    def mr(self) -> MrSettings:
        """Return MR's share."""
        return MrSettings(
            portfolio_admin_group_suffix=self.admin_group_suffix,
            production_environment_name=self.production_name,
            production_environment_description=self.production_description,
            local_login_enabled=not self.login_disabled,
            tracking_id=self.tracking_id,
            cors=Cors(",".join(self.cors_headers), ",".join(self.cors_exposed), self.cors_seconds),
            get_cache_control=(
                self.api_cache_control or None if self.api_cache_control_enabled else None
            ),
        )


def check_party_server(settings: PartyServerSettings) -> Sequence[Fault]:
    """Return what is wrong with the settings taken together."""
    faults = []
    if settings.nats_urls:
        faults.append(
            Fault(
                "nats.urls",
                "this version keeps its bus in memory and does not speak NATS yet: leave it unset",
            )
        )
    if settings.connections_least > settings.connections_most:
        faults.append(Fault("db.minConnections", "is above db.maxConnections"))
    if settings.database_url:
        try:
            parse_dsn(settings.database_url)
        except InvalidDatabaseUrl as error:
            faults.append(Fault("db.url", str(error)))
    elif settings.database_user or settings.database_password.reveal:
        faults.append(Fault("db.url", "is missing: db.username and db.password belong to it"))
    return [*faults, *_check_tls(settings)]


def _check_tls(settings: PartyServerSettings) -> Sequence[Fault]:
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
