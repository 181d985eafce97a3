"""FeatureHub's properties that have no effect here, and why.

Some never will, because what they tune is made differently; others belong to parts that are not
there yet. Each is accepted, so that files written for FeatureHub can be used as they are; whoever
sets one is told at the start.

Source: section 8.3 of the data plane's contract and 11.3 of the admin contract.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_MR: Final = ("mr", "party-server", "party-server-ish")
_STREAMING: Final = ("edge", "party-server")
_EDGE: Final = (*_STREAMING, "edge-rest", "party-server-ish")
_CACHE: Final = ("dacha", *_STREAMING)
_BUS: Final = ("mr", *_CACHE)
_DATABASE: Final = (*_MR, "edge-rest")
_ALL: Final = (*_BUS, "edge-rest", "party-server-ish")

_THREADS: Final = "there is no pool of threads to size"
_DACHA1: Final = "there is no Dacha1: every cache is of Dacha2's make"
_REQUESTS: Final = "requests are not logged"
_WEBHOOKS: Final = "webhooks, enrichment and Slack"
_BROKERS: Final = "Pub/Sub, Kafka and Kinesis"
_LOGINS: Final = "logins by other providers"


@dataclass(frozen=True, slots=True)
class WithoutEffect:
    """A property that is known, and does nothing.

    Attributes:
        name: Its name; with `*` at its end, of all that begin so.
        roles: The roles that would know it.
        reason: Why it does nothing.
        is_to_come: Whether it belongs to a part that is not there yet.
        fits: What it may be set to without being wrong: what is done anyway.
    """

    name: str
    roles: tuple[str, ...]
    reason: str
    is_to_come: bool = False
    fits: tuple[str, ...] = ()

    def is_about(self, name: str) -> bool:
        """Return whether property `name` is meant."""
        if self.name.endswith("*"):
            return name.startswith(self.name[:-1])
        return name == self.name


def _never(roles: tuple[str, ...], reason: str, *names: str) -> Iterator[WithoutEffect]:
    for name, *fits in (each.split("=") for each in names):
        yield WithoutEffect(name, roles, reason, fits=tuple(fits))


def _later(roles: tuple[str, ...], part: str, *names: str) -> Iterator[WithoutEffect]:
    reason = f"not there yet: {part}"
    for name, *fits in (each.split("=") for each in names):
        yield WithoutEffect(name, roles, reason, is_to_come=True, fits=tuple(fits))


WITHOUT_EFFECT: Final = (
    *_never(_ALL, "the paths of this role are what they are", "jersey.prefixes"),
    *_never(
        _ALL,
        _REQUESTS,
        "jersey.logging.exclude-body-uris",
        "jersey.logging.exclude-entirely-uris=/health/liveness,/health/readiness,/metrics",
        "jersey.logging.verbosity",
        "jersey.exclude",
        "jersey.tracing",
    ),
    *_never(_ALL, "buffers grow with what they hold", "jersey.bufferSize"),
    *_never(_ALL, "log lines have one form: see fh.log.format", "featurehub.logging.format"),
    *_later(
        _ALL,
        "tracing",
        "opentelemetry.valid-baggage-headers",
        "telemetry.logging-enabled",
        "connect.logging.environment",
        "audit.logging.web.header-fields",
        "audit.logging.user",
    ),
    *_never(
        _ALL,
        "every operation has its histogram under its own name",
        "prometheus.dynamic-jersey=true",
        "prometheus.jersey.none",
        "prometheus.jersey.prefix",
    ),
    *_never(_ALL, "FeatureHub does not read it either: monitor.port", "metrics.port"),
    *_never(
        _BUS,
        "a lost NATS makes no process unready: it serves what it knows, and connects again",
        "nats.healthcheck.disabled=true=false",
    ),
    *_never(
        _BUS,
        _THREADS,
        "cloudevents.publisher.thread-pool",
        "cloudevents.receiver-pool-size",
    ),
    *_never(
        _BUS, "events name the source that others expect of them", "cloudevents.outbound.source"
    ),
    *_later(
        _BUS,
        _BROKERS,
        "cloudevents.pubsub.*",
        "cloudevents.kafka.*",
        "cloudevents.kinesis.*",
        "cloudevents.inbound.*",
        "cloudevents.mr-dacha2.pubsub.*",
        "cloudevents.mr-edge.pubsub.*",
        "cloudevents.mr-edge.kafka.*",
        "cloudevents.mr-edge.kinesis.*",
        "cloudevents.edge-mr.pubsub.*",
        "cloudevents.edge-mr.kafka.*",
        "cloudevents.edge-mr.kinesis.*",
        "cloudevents.edge-mr.channel-names",
    ),
    *_later(_STREAMING, "usage statistics", "edge.stats=false", "edge.stats.*"),
    *_later(_STREAMING, "usage statistics", "cloudevents.stats.*"),
    *_later(
        (*_CACHE, "mr"),
        _WEBHOOKS,
        "enricher.enabled=false",
        "enricher.ignore-when-empty",
        "cloudevents.enricher.*",
        "webhooks.features.enabled=false",
        "webhooks.features.timeout.connect",
        "webhooks.features.timeout.read",
        "webhooks.features.cloudevent-source",
    ),
    *_later(("dacha", "edge"), _WEBHOOKS, "webhooks.encryption.password"),
    *_later(
        _MR,
        _WEBHOOKS,
        "webhooks.default.*",
        "webhook.features.max-fails",
        "slack.value-max-length",
        "handlebars.cache-size",
        "messaging.publish.thread-pool",
        "tracking-event.keep-successes=false",
    ),
    *_never(_BUS, _DACHA1, "dacha1.enabled=false", "dacha1.inbound.nats.channel-name"),
    *_never(_BUS, "there is nothing but Dacha2's way", "dacha2.enabled=true"),
    *_never(
        ("dacha",),
        _DACHA1,
        "dacha.busy-timeout",
        "cache.timeout",
        "cache.complete-timeout",
        "cache.mit",
    ),
    *_never(("dacha", "mr", "party-server"), "only an Edge chooses a cache", "cache.name=default"),
    *_never(("dacha", *_MR), _THREADS, "cache.pool-size"),
    *_never(_CACHE, "there is one cache, and it is new", "dacha2.use-old-cache=false"),
    *_never(_CACHE, _THREADS, "dacha2.thread-processors"),
    *_never(
        _CACHE, "an etag that stays is no news to anybody", "dacha2.log-unchanging-etags=false"
    ),
    *_never(_EDGE, _THREADS, "update.pool-size", "listen.pool-size"),
    *_never(
        _STREAMING,
        "a stream waits for the cache to answer, instead of being sent away",
        "edge.dacha.delay-slots",
    ),
    *_never(
        _STREAMING,
        "FeatureHub only looks whether it is a number: dacha.timeout.read",
        "edge.dacha.response-timeout",
    ),
    *_later(
        (*_CACHE, "edge-rest", "party-server-ish"),
        "purges of Fastly",
        "edge.cache.fastly.service-id",
    ),
    *_later(("dacha",), "purges of Fastly", "edge.cache.fastly.key"),
    *_never(
        ("edge-rest",),
        "polls are not to be kept, unless edge.cache-control.header says otherwise",
        "cache-control.api",
        "cache-control.api.enabled",
    ),
    *_never(("edge-rest",), "it never migrates: MR does", "db.run-migrations=false"),
    *_never(_DATABASE, "the driver is what reaches PostgreSQL", "db.driver", "db-replica.driver"),
    *_never(
        _DATABASE,
        "db.minConnections and db.maxConnections say it",
        "db.connections",
        "db-replica.connections",
    ),
    *_never(
        _DATABASE,
        "the driver sees to its statements by itself",
        "db.pstmtCacheSize",
        "db.customProperties",
        "db-replica.pstmtCacheSize",
        "db-replica.customProperties",
    ),
    *_never(_DATABASE, "a replica's connections are opened on demand", "db-replica.minConnections"),
    *_never(_MR, "changes of rows are not written down", "db.enable-change-sets=false"),
    *_later(
        _MR,
        "the admin UI",
        "run.nginx",
        "web.asset.location",
        "cache-control.web.index",
        "cache-control.web.other",
    ),
    *_later(
        _MR,
        _LOGINS,
        "oauth2.providers",
        "oauth2.providers.*",
        "oauth2.redirectUrl",
        "oauth2.adminUiUrlSuccess",
        "oauth2.adminUiUrlFailure",
        "oauth2.cookie.domain",
        "oauth2.cookie.https-only",
        "saml.idp-providers",
        "saml.adminUiUrlSuccess",
        "saml.adminUiUrlFailure",
        "saml.misconfigured-url",
        "auth.userMustBeCreatedFirst=false",
    ),
    *_never(_MR, "FeatureHub does not read it either: auth.disable-login", "oauth2.disable-login"),
    *_never(_MR, "passwords are hashed with Argon2", "passwordsalt.iterations"),
    *_later(
        (*_MR, "edge-rest"),
        "extended data made of templates",
        "sdk.feature.properties",
        "sdk.feature.properties.size",
    ),
    *_never(_MR, "FeatureHub does not read it either", "feature-update.listener.enable"),
    *_never(
        ("party-server",),
        "alone it needs no NATS; several name one that they share in nats.urls",
        "nats.executable",
        "dont-run-nats-server",
    ),
)


def without_effect(role: str) -> list[WithoutEffect]:
    """Return those that the role called `role` would know."""
    return [each for each in WITHOUT_EFFECT if role in each.roles]
