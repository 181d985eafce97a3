"""What an Edge can be told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Limits and habits of one Edge; the property of each is in `fh.config`.

    Attributes:
        first_at_once: How many streams are sent their first features at a time.
        first_bytes: What those may weigh together, what many are sent counted once; one may weigh
            more.
        first_waiting: How many streams may wait for their first features.
        first_wait_seconds: How long they wait before they are told to come back.
        streams_per_key: How many may be open with one key; 0 is no bound.
        streams_per_address: How many may be open from one address; 0 is no bound.
        most_streams: How many may be open at once; 0 is no bound.
        root: Segments of the path below which everything is.
        plain_paths: The only paths that are served without TLS; None is every path.
    """

    drop_after_seconds: float = 30.0
    heartbeat_seconds: float = 0.0
    grace_seconds: float = 1.0
    head_seconds: float = 10.0
    idle_seconds: float = 60.0
    slow_seconds: float = 10.0
    slow_bytes: int = 256 * 1024
    send_buffer_bytes: int = 16 * 1024
    user_timeout_seconds: float = 30.0
    most_sockets: int = 2000
    load_seconds: float = 4.0
    retry_first_seconds: float = 0.2
    retry_maximum_seconds: float = 5.0
    environments: int = 5000
    first_at_once: int = 250
    first_bytes: int = 64 * 1024 * 1024
    first_waiting: int = 100_000
    first_wait_seconds: float = 60.0
    streams_per_key: int = 0
    streams_per_address: int = 0
    most_streams: int = 0
    cache_control: str = ""
    surrogate_keys: bool = False
    streams: bool = True
    cors_allow_headers: tuple[str, ...] = ()
    cors_expose_headers: tuple[str, ...] = ()
    cors_seconds: int = 86400
    root: tuple[str, ...] = ()
    plain_paths: frozenset[str] | None = None
    portable_engine: bool = False
