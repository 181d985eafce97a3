"""Changed features with everything around them, for webhooks, and what became of a webhook.

Source: sections 6.2 and 6.9 of the data plane's contract.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from fh.contracts.published import PublishEnvironment
from fh.model.ids import EnvironmentId, OrganisationId


class EnricherPing(Struct, frozen=True):
    """A test: have an environment sent to one kind of destination, whether it changed or not."""

    environment_id: EnvironmentId = field(name="environment")
    destination: str = field(name="cloudEventProcessor")


class EnrichedFeatures(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A whole environment, and the keys of what changed in it; no destination means every one."""

    destination: str | None = field(name="targetEnrichmentDestination", default=None)
    feature_keys: tuple[str, ...] = field(name="featureKeys", default_factory=lambda: ())
    environment: PublishEnvironment


class WebhookEnvironmentResult(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an endpoint answered; status 0 where it could not be reached."""

    organisation_id: OrganisationId = field(name="organisationId")
    environment_id: EnvironmentId = field(name="environmentId")
    when_sent: datetime = field(name="whenSent")
    status: int
    method: str
    content: str | None = None
    source_system: str = field(name="sourceSystem")
    cloud_event_type: str = field(name="cloudEventType")
    url: str | None = None
    outbound_headers: Mapping[str, str] | None = field(name="outboundHeaders", default=None)
    incoming_headers: Mapping[str, str] | None = field(name="incomingHeaders", default=None)
    result: str | None = None
