"""Events beside the golden ones: texts of numbers, any letters, and data that is none."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from fh.bus.events import decode_event, encode_json, published_event, update_event
from fh.contracts.published import (
    ABSENT,
    CacheEnvironmentFeature,
    CacheFeature,
    PublishAction,
    PublishFeatureValue,
    PublishFeatureValues,
)
from fh.contracts.updates import StreamedFeatureUpdate
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    FeatureId,
    OrganisationId,
    PortfolioId,
    ServiceAccountId,
)
from fh.wire.cloudevents import JSON, CloudEvent, MalformedEvent, decode, encode_headers
from tests.contracts.published_events import EVENTS

AT = datetime(2026, 7, 23, 7, 50, 7, 123456, tzinfo=UTC)
MOST_BYTES = 100_000

UPDATE = StreamedFeatureUpdate(
    secret="hQ8…",
    environment_id=EnvironmentId(UUID("6c376de1-3cb8-4297-b641-8f27e0d11612")),
    feature_key="NEW_MENU",
    value_boolean=True,
    updating_value=True,
    lock=False,
    organisation_id=OrganisationId(UUID(int=10)),
    portfolio_id=PortfolioId(UUID(int=11)),
    application_id=ApplicationId(UUID(int=12)),
    account_id=ServiceAccountId(UUID(int=13)),
)
UPDATE_JSON = {
    "apiKey": "hQ8…",
    "environmentId": "6c376de1-3cb8-4297-b641-8f27e0d11612",
    "featureKey": "NEW_MENU",
    "valueBoolean": True,
    "updatingValue": True,
    "lock": False,
    "oId": "00000000-0000-0000-0000-00000000000a",
    "pId": "00000000-0000-0000-0000-00000000000b",
    "aId": "00000000-0000-0000-0000-00000000000c",
    "sId": "00000000-0000-0000-0000-00000000000d",
}
UPDATE_HEADERS = {
    "ce-specversion": "1.0",
    "ce-type": "feature-update-v1",
    "ce-subject": "io.featurehub.edge.feature-update",
    "ce-source": "http://edge",
    "ce-id": "00000000-0000-0000-0000-000000000063",
    "ce-time": "2026-07-23T07:50:07.123456Z",
    "ce-cachename": "default",
    "content-type": "application/json+gzip",
}


def update_from(**members):
    """Return what is read from a message with these members and the three that have to be."""
    always = {name: UPDATE_JSON[name] for name in ("apiKey", "environmentId", "featureKey")}
    body = json.dumps({**always, **members}).encode()
    return decode_event(decode({**UPDATE_HEADERS, "content-type": JSON}, body), MOST_BYTES)


def test_what_an_update_leaves_out_stays_as_it_is():
    update = update_from(lock=True)
    assert (update.updating_value, update.lock) == (False, True)
    update = update_from(updatingValue=True, valueString="x", apiKeyServerSide="not read")
    assert (update.updating_value, update.lock, update.value_string) == (True, None, "x")
    assert update.value_number == Raw()


@pytest.mark.parametrize("number", ["1.10", "1e400", "-0.0", "12345678901234567890.5"])
def test_a_number_keeps_its_text(number):
    body = json.dumps(UPDATE_JSON).replace("true", number, 1).replace("Boolean", "Number")
    read = decode_event(decode(UPDATE_HEADERS, body.encode()), MOST_BYTES)
    assert read.value_number == Raw(number.encode())
    assert f'"valueNumber":{number}'.encode() in encode_json(read)


def test_a_feature_key_of_any_letters_fits_into_a_header():
    feature = CacheEnvironmentFeature(
        CacheFeature(FeatureId(UUID(int=1)), "Größe 100%", FeatureType.STRING, version=1)
    )
    event = PublishFeatureValues(
        (PublishFeatureValue(PublishAction.CREATE, EnvironmentId(UUID(int=9)), feature),)
    )
    headers = encode_headers(published_event(event, encode_json(event), AT))
    assert headers["ce-id"] == "00000000-0000-0000-0000-000000000009/Gr%C3%B6%C3%9Fe%20100%25"
    assert headers["ce-source"] == "http://management-service/CREATE"


@pytest.mark.parametrize(
    ("type_", "subject"),
    [
        ("publish-feature-v2", "io.featurehub.events.feature-values"),
        ("publish-feature-v1", "io.featurehub.events.environment"),
        ("publish-feature-v1", ""),
        ("enricher-ping-v1", "io.featurehub.events.messaging"),
    ],
)
def test_a_kind_that_is_not_read_here_is_not_even_looked_at(type_, subject):
    event = CloudEvent(type_, subject, "http://elsewhere", "1", None, "text/html", b"<p>")
    assert decode_event(event, MOST_BYTES) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"features": 1}', b'{"features": [{}]}', b"[" * 50_000, b"\xff"],
    ids=["empty", "cut-off", "array", "null", "number", "no-members", "deep", "not-utf-8"],
)
def test_data_that_is_not_what_it_should_be(body):
    event = replace(published_event(PublishFeatureValues(), b"", AT), data=body)
    with pytest.raises(MalformedEvent):
        decode_event(event, MOST_BYTES)


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        StreamedFeatureUpdate,
        secret=st.text(),
        environment_id=st.uuids().map(EnvironmentId),
        feature_key=st.text(),
        value_boolean=st.none() | st.booleans(),
        value_string=st.none() | st.text(),
        value_number=st.just(ABSENT) | numbers.map(lambda number: Raw(json.dumps(number).encode())),
        updating_value=st.booleans(),
        lock=st.none() | st.booleans(),
        organisation_id=st.none() | st.uuids().map(OrganisationId),
    )
)
def test_an_update_survives_the_wire(update):
    sent = update_event(encode_json(update), AT, UUID(int=1))
    assert decode_event(decode(encode_headers(sent), sent.data), MOST_BYTES) == update


@given(st.sampled_from([event for event, _ in EVENTS]), st.datetimes(timezones=st.just(UTC)))
def test_an_announcement_survives_the_wire(event, at):
    sent = published_event(event, encode_json(event), at)
    assert decode_event(decode(encode_headers(sent), sent.data), MOST_BYTES) == event
