"""NATS."""

from collections.abc import Sequence
from dataclasses import dataclass

from fh.bus.nats_settings import (
    InvalidNatsUrl,
    NatsSettings,
    StreamSettings,
    parse_servers,
    parse_stream,
    parse_subject,
)
from fh.config import Fault, boolean, names, setting, whole


def needed_name(value: str) -> str:
    """Read the name of a subject or of a queue that there has to be."""
    if not value:
        raise ValueError("must not be empty")
    return parse_subject(value)


def subjects(value: str) -> tuple[str, ...]:
    """Read the names of subjects, at least one."""
    found = tuple(parse_subject(name) for name in names(value))
    if not found:
        raise ValueError("must not be empty")
    return found


_DEFAULT = NatsSettings(servers=())
_DEFAULT_STREAM = StreamSettings()
_MOST_REPLICAS = 5


@dataclass(frozen=True)
class BusSettings:
    """What every role on the bus can be told."""

    nats_urls: tuple[str, ...] = setting(
        "nats.urls", (), names, "NATS servers of one cluster, such as nats://host:4222"
    )
    nats_enabled: bool = setting("nats.enabled", True, boolean, "whether they are used")
    cache_subject: str = setting(
        "cloudevents.mr-dacha2.nats.channel-name",
        _DEFAULT.cache_subject,
        needed_name,
        "subject of everything that MR announces",
    )
    edge_subject: str = setting(
        "cloudevents.mr-edge.nats.channel-name",
        _DEFAULT.edge_subject,
        parse_subject,
        "subject of features, for Edges of another make; empty for none",
    )
    update_subjects: tuple[str, ...] = setting(
        "cloudevents.edge-mr.nats.channel-name",
        _DEFAULT.update_subjects,
        subjects,
        "subjects of what SDKs change; Edge uses the first",
    )
    update_queue: str = setting(
        "cloudevents.edge-mr.nats.queue-name",
        _DEFAULT.update_queue,
        needed_name,
        "group of MRs of which one applies it",
    )
    acknowledged: bool = setting(
        "fh.updates.acknowledged",
        _DEFAULT.acknowledged,
        boolean,
        "whether MR says that it is done; false where MR is of another make",
    )
    dead_letter_subject: str = setting(
        "fh.nats.dead-letter-subject",
        _DEFAULT.dead_letter_subject,
        parse_subject,
        "where messages are put that can't be read; empty for nowhere",
    )
    jetstream: bool = setting(
        "fh.nats.jetstream", False, boolean, "whether a stream keeps what MR announces"
    )
    stream: str = setting(
        "fh.nats.jetstream.stream",
        _DEFAULT_STREAM.name,
        parse_stream,
        "its name; it is made where there is none",
    )
    stream_replicas: int = setting(
        "fh.nats.jetstream.replicas",
        _DEFAULT_STREAM.replicas,
        whole(1, _MOST_REPLICAS),
        "servers that hold it, when it is made",
    )

    def nats(self) -> NatsSettings | None:
        """Return how to take part in NATS, None where it is not used.

        Raises:
            InvalidNatsUrl: nats.urls names no server.
        """
        if not self.nats_urls or not self.nats_enabled:
            return None
        return NatsSettings(
            servers=parse_servers(self.nats_urls),
            cache_subject=self.cache_subject,
            edge_subject=self.edge_subject,
            update_subjects=self.update_subjects,
            update_queue=self.update_queue,
            acknowledged=self.acknowledged,
            dead_letter_subject=self.dead_letter_subject,
            stream=StreamSettings(self.stream, self.stream_replicas) if self.jetstream else None,
        )


def check_bus(settings: BusSettings, *, required: bool) -> Sequence[Fault]:
    """Return what is wrong with them taken together; `required` where there is no other way."""
    try:
        nats = settings.nats()
    except InvalidNatsUrl as error:
        return [Fault("nats.urls", str(error))]
    if nats is None and required:
        return [
            Fault(
                "nats.urls",
                "is missing: this role and the others tell each other of changes by NATS",
            )
        ]
    return []
