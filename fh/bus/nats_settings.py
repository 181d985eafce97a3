"""What the NATS bus can be told: servers, subjects, limits.

Source: sections 6.4 and 8.3 of the data plane's contract.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from fh.actors.restart import Backoff
from fh.config import Secret
from fh.errors import FeatureHubError

_DEFAULT_PORT: Final = 4222
_SUBJECT: Final = re.compile(r"[^\s.*>\0]+(?:\.[^\s.*>\0]+)*")
_SCHEMES: Final = {"nats": False, "tls": True}
_STREAM: Final = re.compile(r"[^\s.*>/\\\0]+")
_PAUSE: Final = Backoff(first_seconds=0.1, maximum_seconds=1.0, jitter=0.5)


class InvalidNatsUrl(FeatureHubError):
    """It names no NATS server. The message holds nothing of the URL, which may hold a password."""


@dataclass(frozen=True, slots=True)
class NatsServer:
    """One server and what opens it; with `tls` nothing is said to it in the clear.

    `user` and `password` go together, `token` stands alone.
    """

    host: str
    port: int = _DEFAULT_PORT
    tls: bool = False
    user: str = ""
    password: Secret = field(default_factory=Secret)
    token: Secret = field(default_factory=Secret)

    @property
    def address(self) -> str:
        """Host and port, as a log may show them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """A stream of JetStream that keeps what is announced, for whoever was away.

    One that exists is taken as it is; otherwise it is made.

    Attributes:
        name: `fh.nats.jetstream.stream`.
        replicas: `fh.nats.jetstream.replicas`, servers that hold it.
        messages: How many it keeps, in `kept_bytes` at most; the oldest go first.
        duplicate_seconds: In which a message that is published again is not kept again.
        heartbeat_seconds: After which the server says that there is nothing; four times as long
            without a word, and the connection is given up.
    """

    name: str = "fh-announcements"
    replicas: int = 1
    messages: int = 10_000
    kept_bytes: int = 64 * 1024 * 1024
    duplicate_seconds: float = 120.0
    heartbeat_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class NatsSettings:
    """How a process takes part in the bus.

    Attributes:
        servers: `nats.urls`; any of them will do, so they have to be of one cluster.
        cache_subject: `cloudevents.mr-dacha2.nats.channel-name`, all announcements.
        edge_subject: `cloudevents.mr-edge.nats.channel-name`, features once more for Edges that
            listen there (ours do not); empty for none.
        update_subjects: `cloudevents.edge-mr.nats.channel-name`, what SDKs change. Workers listen
            to all, updates are sent to the first.
        update_queue: `cloudevents.edge-mr.nats.queue-name`, the group of which one gets it.
        acknowledged: Whether whoever applies an update says so. False where MR is not ours.
        dead_letter_subject: Where messages are put that can't be read; empty for nowhere.
        stream: What keeps announcements; None with core NATS.
        connect_seconds: For each step until a server is connected.
        taken_seconds: In which a server has to confirm what it was sent, or is given up.
        applied_seconds: In which an update has to be acknowledged.
        ping_seconds: After which a silent server is asked whether it still lives.
        pause: Between attempts to connect, when all servers were tried.
        waiting_messages: Kept for slow subscribers, like `waiting_bytes`; beyond it messages are
            thrown away, and subscribers told to reload.
        updates_at_once: How many updates one process applies at a time.
        waiting_updates: How many more it takes; beyond it they are refused.
        most_json_bytes: Of an event, decompressed.
        dead_letters_per_second: Log lines and dead letters for messages that can't be read.
    """

    servers: tuple[NatsServer, ...]
    cache_subject: str = "featurehub/mr-dacha2-channel"
    edge_subject: str = "featurehub/mr-edge-channel"
    update_subjects: tuple[str, ...] = ("featurehub/mr-updates-queue",)
    update_queue: str = "featurehub/mr-update"
    acknowledged: bool = True
    dead_letter_subject: str = "featurehub/dead-letters"
    stream: StreamSettings | None = None
    connect_seconds: float = 2.0
    taken_seconds: float = 5.0
    applied_seconds: float = 5.0
    ping_seconds: float = 5.0
    pause: Backoff = _PAUSE
    waiting_messages: int = 8192
    waiting_bytes: int = 64 * 1024 * 1024
    updates_at_once: int = 10
    waiting_updates: int = 1000
    most_json_bytes: int = 32 * 1024 * 1024
    dead_letters_per_second: int = 5


def parse_servers(urls: Iterable[str]) -> tuple[NatsServer, ...]:
    """Return the servers that `urls` name.

    `nats://host`, `tls://user:password@host:4222`, `nats://token@host` or only `host:4222`; what
    stands before the @ may be percent-encoded.

    Raises:
        InvalidNatsUrl: one of them can't be read, or there is none.
    """
    servers = tuple(_parse(number, url) for number, url in enumerate(urls, start=1))
    if not servers:
        raise InvalidNatsUrl("there is none")
    return servers


def parse_subject(value: str) -> str:
    """Return a subject or the name of a queue, which may be empty where that means none.

    Raises:
        ValueError: it has a wildcard, a space, or an empty part between dots.
    """
    if value and not _SUBJECT.fullmatch(value):
        raise ValueError(f"expected the name of a subject, not {value!r}")
    return value


def parse_stream(value: str) -> str:
    """Return the name of a stream.

    Raises:
        ValueError: a stream can't be called that.
    """
    if not _STREAM.fullmatch(value):
        raise ValueError(f"expected a name without dots, slashes, wildcards and spaces: {value!r}")
    return value


def _parse(number: int, url: str) -> NatsServer:
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidNatsUrl(f"number {number} can't be read") from None
    if parts.scheme not in _SCHEMES:
        raise InvalidNatsUrl(f"number {number} does not begin with nats:// or tls://")
    if not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidNatsUrl(f"number {number} is not a host and a port")
    user, password = unquote(parts.username or ""), parts.password
    return NatsServer(
        host=host,
        port=_DEFAULT_PORT if port is None else port,
        tls=_SCHEMES[parts.scheme],
        user="" if password is None else user,
        password=Secret(unquote(password or "")),
        token=Secret(user if password is None else ""),
    )
