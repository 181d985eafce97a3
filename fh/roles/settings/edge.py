"""Streams and polls."""

from dataclasses import dataclass

from fh.config import Secret, boolean, header_value, secret, setting, whole
from fh.edge.settings import EdgeSettings
from fh.roles.settings.listening import COUNT, SECONDS, ListeningSettings


class _Unsaid(int):
    """A default that is told from the same number said aloud."""


_UNSET = -1
_DROP_AFTER_SECONDS: int = _Unsaid(30)
_CAP = whole(0, 10_000_000)


@dataclass(frozen=True)
class EdgePartSettings(ListeningSettings):
    """What every role with an Edge can be told."""

    drop_after_seconds: int = setting(
        "edge.sse.drop-after-seconds",
        _DROP_AFTER_SECONDS,
        SECONDS,
        "life of a stream; 0 for no end",
    )
    legacy_drop_after_seconds: int = setting(
        "maxSlots", _UNSET, whole(_UNSET, 86_400), "old name of edge.sse.drop-after-seconds"
    )
    heartbeat_seconds: int = setting(
        "edge.sse.heartbeat-period", 0, SECONDS, "time between heartbeats on streams; 0 for none"
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
        "what may wait for a slow client when more comes",
    )
    most_sockets: int = setting(
        "edge.websocket.maximum", 2000, whole(0, 1_000_000), "WebSockets open at once; 0 for none"
    )
    streams_per_key: int = setting(
        "fh.edge.streams-per-key", 0, _CAP, "streams open with one SDK key; 0 for no bound"
    )
    streams_per_address: int = setting(
        "fh.edge.streams-per-address",
        0,
        _CAP,
        "streams open from one address, as seen here; 0 for no bound",
    )
    first_features_at_once: int = setting(
        "fh.edge.first-features-at-once",
        250,
        COUNT,
        "streams that a process sends their first features at a time; others wait",
    )
    first_features_waiting: int = setting(
        "fh.edge.first-features-waiting", 100_000, COUNT, "streams that wait for them at most"
    )
    streamed_environments: int = setting(
        "edge.cache.streamed-maximum-environments", 5000, COUNT, "environments with streams"
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

    def edge(self) -> EdgeSettings:
        """Return Edge's share."""
        drop_after_seconds = int(self.drop_after_seconds)  # a plain one: workers are sent it
        if self.legacy_drop_after_seconds > 0 and self.drop_after_seconds is _DROP_AFTER_SECONDS:
            drop_after_seconds = self.legacy_drop_after_seconds
        return EdgeSettings(
            drop_after_seconds=drop_after_seconds,
            heartbeat_seconds=self.heartbeat_seconds,
            grace_seconds=self.grace_seconds,
            head_seconds=self.head_seconds,
            slow_seconds=self.slow_seconds,
            slow_bytes=self.slow_bytes,
            most_sockets=self.most_sockets,
            streams_per_key=self.streams_per_key,
            streams_per_address=self.streams_per_address,
            first_at_once=self.first_features_at_once,
            first_waiting=self.first_features_waiting,
            environments=self.streamed_environments,
            cache_control=self.poll_cache_control,
            surrogate_keys=bool(self.fastly_key.reveal),
            cors_allow_headers=self.cors_headers,
            cors_expose_headers=self.cors_exposed,
            cors_seconds=self.cors_seconds,
            root=self.root,
            plain_paths=self.plain_paths(),
            portable_engine=self.portable_engine,
        )
