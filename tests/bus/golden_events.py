"""What MR and Edge say, byte by byte: headers, text, and the value that both stand for.

Typed from the contract, sections 0.4, 1.8, 6.1 and 6.2. The texts are written without a space, as
they cross the bus; `ids` stands for long identifiers, so that lines can be read.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Raw

from fh.bus.events import BusEvent
from fh.contracts.published import (
    DELETED_VERSION,
    CacheEnvironment,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.contracts.updates import StreamedFeatureUpdate
from fh.model.feature_type import FeatureType
from fh.model.roles import Role

AT = datetime(2026, 7, 23, 7, 50, 7, 123456, tzinfo=UTC)
EVENT_ID = UUID("0d0c5a3e-5c1f-4a53-8d7e-90aa11bb22cc")

IDS = {
    "E": "6c376de1-3cb8-4297-b641-8f27e0d11612",  # environment
    "F": "95f6c09a-20e7-41e2-9014-1421682b71b1",  # feature
    "V": "76b612ae-a782-4780-aeaa-597870a8c3ea",  # feature value
    "O": "10000000-0000-4000-8000-00000000000a",  # organisation
    "P": "20000000-0000-4000-8000-00000000000b",  # portfolio
    "A": "30000000-0000-4000-8000-00000000000c",  # application
    "S": "40000000-0000-4000-8000-00000000000d",  # service account
    "W": "50000000-0000-4000-8000-00000000000e",  # person
    "T": "60000000-0000-4000-8000-00000000000f",  # filter
}
ID = {letter: UUID(text) for letter, text in IDS.items()}
PLACE = {"organisation_id": ID["O"], "portfolio_id": ID["P"], "application_id": ID["A"]}


def text(*parts: str) -> bytes:
    """Return JSON in which <E> stands for the environment's id, and so on."""
    json = "".join(parts)
    for letter, identifier in IDS.items():
        json = json.replace(f"<{letter}>", f'"{identifier}"')
    return json.encode()


@dataclass(frozen=True)
class Golden:
    """One event; `own` are the headers that differ from event to event."""

    type: str
    subject: str
    source: str
    id: str
    json: bytes
    value: BusEvent
    content_type: str = "application/json+gzip"
    extensions: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "ce-specversion": "1.0",
            "ce-type": self.type,
            "ce-subject": self.subject,
            "ce-source": self.source,
            "ce-id": self.id,
            "ce-time": "2026-07-23T07:50:07.123456Z",
            **{f"ce-{name}": value for name, value in self.extensions.items()},
            "content-type": self.content_type,
        }


FEATURE = CacheEnvironmentFeature(
    CacheFeature(ID["F"], "NEW_MENU", FeatureType.NUMBER, version=7, filters=(ID["T"],)),
    CacheFeatureValue(
        id=ID["V"],
        key="NEW_MENU",
        locked=False,
        version=4,
        value=Raw(b"1.10"),
        retired=True,
        person_id=ID["W"],
        rollout_strategies=(
            CacheRolloutStrategy(
                "rs1A",
                percentage=200_000,
                percentage_attributes=("company",),
                attributes=(
                    CacheRolloutStrategyAttribute(
                        "STARTS_WITH", "größe", "STRING", (Raw(b'"x"'), Raw(b"18.0"))
                    ),
                ),
                value=Raw(b"12345678901234567890.5"),
            ),
            CacheRolloutStrategy("rs-id"),
        ),
    ),
    {"category": "menu"},
)
FEATURE_JSON = (
    '{"feature":{"id":<F>,"key":"NEW_MENU","valueType":"NUMBER","version":7,"filters":[<T>]},'
    '"value":{"id":<V>,"key":"NEW_MENU","locked":false,"version":4,"value":1.10,"retired":true,'
    '"pId":<W>,"rolloutStrategies":[{"id":"rs1A","percentage":200000,'
    '"percentageAttributes":["company"],"attributes":[{"conditional":"STARTS_WITH",'
    '"fieldName":"größe","type":"STRING","values":["x",18.0]}],"value":12345678901234567890.5},'
    '{"id":"rs-id","percentageAttributes":[],"attributes":[]}]},"fp":{"category":"menu"}}'
)
BARE_FEATURE = CacheEnvironmentFeature(
    CacheFeature(ID["F"], "NEW_MENU", FeatureType.BOOLEAN, version=1)
)
BARE_FEATURE_JSON = (
    '{"feature":{"id":<F>,"key":"NEW_MENU","valueType":"BOOLEAN","version":1}}'  # and no value
)
ENVIRONMENT = PublishEnvironment(
    CacheEnvironment(
        ID["E"], 3, {"cacheControl": "max-age=20"}, {"webhook.features.enabled": "true"}
    ),
    **PLACE,
    action=PublishAction.CREATE,
    features=(FEATURE, BARE_FEATURE),
    service_accounts=(ID["S"],),
)
ENVIRONMENT_JSON = (
    '{"environment":{"id":<E>,"version":3,"eInf":{"cacheControl":"max-age=20"},'
    '"wInfo":{"webhook.features.enabled":"true"}},"oId":<O>,"pId":<P>,"aId":<A>,'
    f'"action":"CREATE","fv":[{FEATURE_JSON},{BARE_FEATURE_JSON}],"sa":[<S>],"c":0}}'
)
UPDATE = {"secret": "hQ8", "environment_id": ID["E"], "feature_key": "NEW_MENU"}
UPDATE_JSON = '{"apiKey":"hQ8","environmentId":<E>,"featureKey":"NEW_MENU"'


def announcement(type_: str, subject: str, action: str, event_id: str, json: bytes, value):
    source = f"http://management-service/{action}"
    return Golden(type_, f"io.featurehub.events.{subject}", source, event_id, json, value)


def update(more: str, **members):
    value = StreamedFeatureUpdate(**UPDATE, **members)
    return Golden(
        "feature-update-v1",
        "io.featurehub.edge.feature-update",
        "http://edge",
        str(EVENT_ID),
        text(UPDATE_JSON, more, "}"),
        value,
        extensions={"cachename": "default"},
    )


ANNOUNCEMENTS = {
    "environment": announcement(
        "publish-environment-v1",
        "environment",
        "CREATE",
        IDS["E"],
        text(ENVIRONMENT_JSON),
        ENVIRONMENT,
    ),
    "environment deleted": announcement(
        "publish-environment-v1",
        "environment",
        "DELETE",
        IDS["E"],
        text(
            '{"environment":{"id":<E>,"version":9223372036854775807},"oId":<O>,"pId":<P>,',
            '"aId":<A>,"action":"DELETE","fv":[],"sa":[],"c":2}',
        ),
        PublishEnvironment(
            CacheEnvironment(ID["E"], DELETED_VERSION),
            **PLACE,
            action=PublishAction.DELETE,
            count=2,
        ),
    ),
    "account": announcement(
        "publish-serviceaccount-v1",
        "service-account",
        "UPDATE",
        IDS["S"],
        text(
            '{"action":"UPDATE","serviceAccount":{"id":<S>,"version":4,',
            '"apiKeyClientSide":"cl*ient","apiKeyServerSide":"server",',
            '"permissions":[{"environmentId":<E>,"permissions":["READ","EXTENDED_DATA"]}],',
            '"filters":[<T>]},"count":1}',
        ),
        PublishServiceAccount(
            PublishAction.UPDATE,
            CacheServiceAccount(
                ID["S"],
                4,
                "cl*ient",
                "server",
                (CacheServiceAccountPermission(ID["E"], (Role.READ, Role.EXTENDED_DATA)),),
                (ID["T"],),
            ),
            1,
        ),
    ),
    "no account": announcement(
        "publish-serviceaccount-v1",
        "service-account",
        "EMPTY",
        "null",
        b'{"action":"EMPTY","count":0}',
        PublishServiceAccount(PublishAction.EMPTY),
    ),
    "features": announcement(
        "publish-feature-v1",
        "feature-values",
        "UPDATE",
        f"{IDS['E']}/NEW_MENU",
        text(
            '{"features":[{"action":"UPDATE","environmentId":<E>,"feature":',
            FEATURE_JSON,
            '},{"action":"DELETE","environmentId":<E>,"feature":',
            BARE_FEATURE_JSON,
            "}]}",
        ),
        PublishFeatureValues(
            (
                PublishFeatureValue(PublishAction.UPDATE, ID["E"], FEATURE),
                PublishFeatureValue(PublishAction.DELETE, ID["E"], BARE_FEATURE),
            )
        ),
    ),
    "no features": announcement(
        "publish-feature-v1",
        "feature-values",
        "EMPTY",
        "null",
        b'{"features":[]}',
        PublishFeatureValues(),
    ),
}

UPDATES = {
    "update of a boolean": update(
        ',"valueBoolean":true,"updatingValue":true,"lock":false,'
        '"oId":<O>,"pId":<P>,"aId":<A>,"sId":<S>',
        value_boolean=True,
        updating_value=True,
        lock=False,
        **PLACE,
        account_id=ID["S"],
    ),
    "update of a string": update(
        ',"valueString":"größe","updatingValue":true', value_string="größe", updating_value=True
    ),
    "update of a number": update(
        ',"valueNumber":1.10,"updatingValue":true', value_number=Raw(b"1.10"), updating_value=True
    ),
    "update to null": update(',"updatingValue":true', updating_value=True),
    "update of a lock": update(',"lock":true', lock=True),
}
