"""As `golden_events`: the events of usage, webhooks and chats, which no role here handles yet."""

from datetime import UTC, datetime

from msgspec import Raw

from fh.contracts.enrichment import EnrichedFeatures, EnricherPing, WebhookEnvironmentResult
from fh.contracts.messaging import (
    FeatureMessagingUpdate,
    FlagUpdate,
    StrategiesReordered,
    StrategyUpdate,
    TrackedEventResult,
    ValueUpdate,
    VersionUpdate,
)
from fh.contracts.usage import EdgeStatsBundle, KeyUsage, UsageCounter
from fh.model.feature_type import FeatureType
from tests.bus.golden_events import (
    AT,
    ENVIRONMENT,
    ENVIRONMENT_JSON,
    EVENT_ID,
    ID,
    IDS,
    PLACE,
    Golden,
    text,
)

MESSAGING = FeatureMessagingUpdate(
    environment_id=ID["E"],
    environment_name="production",
    portfolio_id=ID["P"],
    portfolio_name="First",
    organisation_id=ID["O"],
    organisation_name="Example",
    application_id=ID["A"],
    application_name="Shop",
    when_updated=datetime(2026, 7, 23, 7, 50, 7, tzinfo=UTC),
    who_updated_id=ID["W"],
    who_updated="Ann",
    feature_key="NEW_MENU",
    feature_id=ID["F"],
    feature_name="The menu",
    feature_value_id=ID["V"],
    feature_value_type=FeatureType.STRING,
    description="which one",
    link="http://docs",
    version=VersionUpdate(previous=3, current=4),
    value=ValueUpdate(previous="old", updated="new"),
    lock=FlagUpdate(previous=True, updated=False),
    retired=FlagUpdate(previous=False, updated=True),
    strategies=(StrategyUpdate("ADDED", new=Raw(b'{"id":"rs1A"}')),),
    strategies_reordered=StrategiesReordered((Raw(b'{"id":"a"}'),), (Raw(b'{"id":"b"}'),)),
    application_strategies=(StrategyUpdate("DELETED", old=Raw(b'{"id":"c"}')),),
    application_strategies_reordered=StrategiesReordered(),
    additional={"slack.channel": "C1"},
)
MESSAGING_JSON = (
    '{"eId":<E>,"eName":"production","pId":<P>,"pName":"First","oId":<O>,"oName":"Example",'
    '"aId":<A>,"aName":"Shop","whenUpdated":"2026-07-23T07:50:07Z","whoUpdatedId":<W>,'
    '"whoUpdated":"Ann","fKey":"NEW_MENU","fId":<F>,"fName":"The menu","featureValueId":<V>,'
    '"featureValueType":"STRING","desc":"which one","link":"http://docs",'
    '"version":{"prev":3,"curr":4},"featureValueUpdated":{"previous":"old","updated":"new"},'
    '"lockUpdated":{"previous":true,"updated":false},'
    '"retiredUpdated":{"previous":false,"updated":true},'
    '"strategiesUpdated":[{"updateType":"ADDED","newStrategy":{"id":"rs1A"}}],'
    '"strategiesReordered":{"previous":[{"id":"a"}],"reordered":[{"id":"b"}]},'
    '"applicationStrategiesUpdated":[{"updateType":"DELETED","oldStrategy":{"id":"c"}}],'
    '"applicationStrategiesReordered":{"previous":[],"reordered":[]},'
    '"additionalInfo":{"slack.channel":"C1"}}'
)


NOTICES = {
    "usage": Golden(
        "edge-stat-bundle-v1",
        "io.featurehub.events.edge-stat",
        "http://edge-full",
        str(EVENT_ID),
        text(
            '{"timestamp":"2026-07-23T07:50:07Z","misses":0,"apiKeys":[{"eId":<E>,"sId":<S>,',
            '"oId":<O>,"pId":<P>,"aId":<A>,',
            '"counters":[{"count":12,"resultType":"success","hitType":"poll"}]},',
            '{"eId":<E>,"sId":"hQ8","counters":[]}]}',
        ),
        EdgeStatsBundle(
            datetime(2026, 7, 23, 7, 50, 7, tzinfo=UTC),
            keys=(
                KeyUsage(
                    ID["E"],
                    IDS["S"],
                    **PLACE,
                    counters=(UsageCounter(12, "success", "poll"),),
                ),
                KeyUsage(ID["E"], "hQ8"),
            ),
        ),
    ),
    "ping": Golden(
        "enricher-ping-v1",
        "io.featurehub.events.enricher",
        "/webhook/check",
        str(EVENT_ID),
        text('{"environment":<E>,"cloudEventProcessor":"webhook-environment-result-v1"}'),
        EnricherPing(ID["E"], "webhook-environment-result-v1"),
        content_type="application/json",
    ),
    "enriched": Golden(
        "enriched-feature-v1",
        "io.featurehub.events.enricher",
        "http://enricher",
        f"{IDS['E']}/1784793007123",
        text(
            '{"targetEnrichmentDestination":"webhook-environment-result-v1",',
            f'"featureKeys":["NEW_MENU"],"environment":{ENVIRONMENT_JSON}}}',
        ),
        EnrichedFeatures(
            destination="webhook-environment-result-v1",
            feature_keys=("NEW_MENU",),
            environment=ENVIRONMENT,
        ),
    ),
    "webhook result": Golden(
        "webhook-environment-result-v1",
        "io.featurehub.webhooks",
        "/webhook-features",
        f"{IDS['E']}/1784793007123",
        text(
            '{"organisationId":<O>,"environmentId":<E>,"whenSent":"2026-07-23T07:50:07.123456Z",',
            '"status":200,"method":"POST","content":"{}","sourceSystem":"/webhook-features",',
            '"cloudEventType":"enriched-feature-v1","url":"https://example.org/hook",',
            '"outboundHeaders":{"x":"1"},"incomingHeaders":{},"result":"thanks"}',
        ),
        WebhookEnvironmentResult(
            organisation_id=ID["O"],
            environment_id=ID["E"],
            when_sent=AT,
            status=200,
            method="POST",
            content="{}",
            source_system="/webhook-features",
            cloud_event_type="enriched-feature-v1",
            url="https://example.org/hook",
            outbound_headers={"x": "1"},
            incoming_headers={},
            result="thanks",
        ),
    ),
    "tracked result": Golden(
        "tracked-event-result-v1",
        "io.featurehub.trackedevents",
        "http://mr",
        str(EVENT_ID),
        text(
            '{"status":200,"method":"POST","content":"posted successfully","oceOrgId":<O>,',
            '"oceId":"1","oceType":"integration/slack-v1","incomingHeaders":{},"extra":{}}',
        ),
        TrackedEventResult(
            status=200,
            method="POST",
            content="posted successfully",
            original_organisation=IDS["O"],
            original_id="1",
            original_type="integration/slack-v1",
            incoming_headers={},
            extra={},
        ),
    ),
    "message for Slack": Golden(
        "integration/slack-v1",
        "io.featurehub.events.messaging",
        "http://mr",
        str(EVENT_ID),
        text(MESSAGING_JSON),
        MESSAGING,
        extensions={"originaltype": "messaging-feature-v1", "trackedevent": IDS["O"]},
    ),
    "test of Slack": Golden(
        "testing-slack-v1",
        "io.featurehub.events.testing.slack",
        "http://mr",
        str(EVENT_ID),
        b'{"message":"hello"}',
        {"message": "hello"},
        extensions={"trackedevent": IDS["O"]},
    ),
}

READ_ONLY = {
    "message before it is addressed": Golden(
        "messaging-feature-v1",
        "io.featurehub.events.messaging",
        "http://mr",
        str(EVENT_ID),
        text(MESSAGING_JSON),
        MESSAGING,
    ),
}
"""What others say, and nobody here will: it is addressed to a destination before it is sent."""
