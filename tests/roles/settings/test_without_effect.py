"""Every property of the contract is honoured, or known to have no effect: none is forgotten."""

from collections.abc import Iterator

import pytest

from fh.config import properties_of
from fh.roles.settings.roles import KNOWN, SETTINGS
from fh.roles.settings.without_effect import WITHOUT_EFFECT, without_effect

MR = ("mr", "party-server", "party-server-ish")
EDGE = ("edge", "party-server")
CACHE = ("dacha", *EDGE)
BUS = ("mr", *CACHE)
EDGES = (*EDGE, "edge-rest", "party-server-ish")
ALL = tuple(SETTINGS)

# Sections 8.3 of the data plane's contract and 11.3 of the admin contract, as they stand there.
CONTRACT: dict[tuple[str, ...], str] = {
    ALL: """server.port monitor.port server.gracePeriodInSeconds featurehub.url-path jersey.prefixes
        jersey.cors.headers jersey.cors.expose-headers jersey.cors.timeout prometheus.dynamic-jersey
        prometheus.jersey.none prometheus.jersey.prefix opentelemetry.valid-baggage-headers
        featurehub.logging.format connect.logging.environment audit.logging.web.header-fields
        audit.logging.user jersey.logging.exclude-body-uris jersey.logging.exclude-entirely-uris
        jersey.logging.verbosity jersey.tracing jersey.exclude jersey.bufferSize
        telemetry.logging-enabled metrics.port""",
    (*MR, "edge-rest"): """cache-control.api cache-control.api.enabled db.url db.username
        db.password db.minConnections db.maxConnections db.pstmtCacheSize db.driver db.connections
        db.customProperties sdk.feature.properties sdk.feature.properties.size""",
    MR: """run.nginx web.asset.location cache-control.web.index cache-control.web.other
        db.run-migrations db.enable-change-sets passwordsalt.iterations register.url
        portfolio.admin.group.suffix environment.production.name environment.production.desc
        features.max-per-page feature-group.list.max feature-groups.enabled
        limit.maxEnvironmentsPerApplication system-config.enabled ga.tracking-id testing-api-enabled
        webhook.features.max-fails webhooks.decryption.enabled webhooks.default.timeout.connect
        webhooks.default.timeout.read webhooks.default.proxy.uri integration.slack.enabled
        slack.delivery.url slack.delivery.internal slack.value-max-length handlebars.cache-size
        messaging.publish.thread-pool tracking-event.keep-successes cache.pool-size
        feature-update.listener.enable oauth2.disable-login oauth2.providers oauth2.redirectUrl
        oauth2.providers.google.id auth.userMustBeCreatedFirst auth.disable-login
        oauth2.cookie.domain saml.idp-providers mr.dacha2.api-keys""",
    ("edge-rest", "party-server-ish"): """db-replica.url db-replica.username db-replica.password
        db-replica.maxConnections db-replica.minConnections""",
    EDGES: """edge.cache-control.header update.pool-size listen.pool-size edge.cache.fastly.key
        edge.cache.fastly.service-id""",
    EDGE: """edge.sse.drop-after-seconds maxSlots edge.sse.heartbeat-period edge.dacha.delay-slots
        edge.dacha.response-timeout edge.cache.streamed-maximum-environments edge.stats
        edge.stats.publish-interval-ms webhooks.features.timeout.connect
        webhooks.features.timeout.read webhooks.features.cloudevent-source
        cloudevents.stats.nats.channel-name""",
    ("edge",): "dacha.url.default dacha.timeout.connect dacha.timeout.read cache.name",
    ("dacha",): """management-repository.url dacha2.cache.api-key dacha.busy-timeout cache.timeout
        cache.complete-timeout cache.mit cache.pool-size cache.name edge.cache.fastly.key""",
    CACHE: """dacha2.streaming.disconnect-behaviour dacha2.use-old-cache
        dacha2.cache.environment.size dacha2.cache.environment.miss-size
        dacha2.cache.service-account.size dacha2.cache.service-account.miss-size
        dacha2.cache.service-account.perms-size dacha2.cache.all-updates dacha2.thread-processors
        dacha2.log-unchanging-etags""",
    BUS: """dacha1.enabled dacha2.enabled dacha1.inbound.nats.channel-name enricher.enabled
        enricher.ignore-when-empty webhooks.features.enabled webhooks.encryption.password nats.urls
        nats.enabled nats.healthcheck.disabled cloudevents.publisher.thread-pool
        cloudevents.receiver-pool-size cloudevents.outbound.source cloudevents.enricher.channel-name
        cloudevents.mr-dacha2.nats.channel-name cloudevents.mr-edge.nats.channel-name
        cloudevents.edge-mr.nats.channel-name cloudevents.edge-mr.nats.queue-name
        cloudevents.pubsub.enabled cloudevents.pubsub.project cloudevents.kafka.bootstrap.servers
        cloudevents.inbound.channel-names cloudevents.mr-edge.kafka.topic-name
        cloudevents.edge-mr.kafka.group-id cloudevents.kinesis.enabled""",
    ("party-server",): "nats.executable dont-run-nats-server cache.name",
}


def of_contract() -> Iterator[tuple[str, str]]:
    for roles, names in CONTRACT.items():
        for role in roles:
            for name in names.split():
                yield role, name


def test_none_of_the_contract_is_forgotten() -> None:
    def is_known(role: str, name: str) -> bool:
        return name in properties_of(SETTINGS[role]) or any(
            each.is_about(name) for each in without_effect(role)
        )

    assert [pair for pair in of_contract() if not is_known(*pair)] == []


@pytest.mark.parametrize("role", SETTINGS)
def test_nothing_is_both(role: str) -> None:
    honoured = properties_of(SETTINGS[role])
    assert [
        (each.name, name)
        for each in without_effect(role)
        for name in honoured
        if each.is_about(name)
    ] == []
    names = [each.name for each in without_effect(role)]
    assert sorted(names) == sorted(set(names))


def test_what_is_ours_is_never_without_effect() -> None:
    assert not [each for each in WITHOUT_EFFECT if each.name.startswith("fh.")]
    assert {"fh.workers", "db.run-migrations", "dacha.url.default"} <= KNOWN


def test_a_reason_is_a_line_that_can_be_read() -> None:
    for each in WITHOUT_EFFECT:
        assert 10 < len(each.reason) <= 90, each
        assert each.is_to_come == each.reason.startswith("not there yet: ")
