"""Every row of section 1.8 of the data plane's contract, and then the same on a real socket."""

import json
from uuid import UUID

import msgspec
import pytest
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, structs

from fh.contracts.answers import Denied, NotReady
from fh.contracts.published import ABSENT
from fh.contracts.updates import StreamedFeatureUpdate
from fh.edge.request import Write
from fh.edge.response import Answer
from fh.edge.write import HandOn, decide_write
from fh.model.feature_type import FeatureType
from fh.model.roles import Role

ALL = (Role.READ, Role.LOCK, Role.UNLOCK, Role.CHANGE_VALUE)
CHANGE = (Role.READ, Role.CHANGE_VALUE)
WRITE = Write(SERVER_KEY, "flag")


def feature(kind, value: bytes | None, *, locked: bool = False, retired: bool = False):
    made = boolean("flag", True, locked=locked, retired=retired)
    assert made.value is not None
    return structs.replace(
        made,
        feature=structs.replace(made.feature, value_type=kind),
        value=structs.replace(made.value, value=ABSENT if value is None else Raw(value)),
    )


FLAG = feature(FeatureType.BOOLEAN, b"false")
LOCKED = feature(FeatureType.BOOLEAN, b"false", locked=True)
NUMBER = feature(FeatureType.NUMBER, b"15")
STRING = feature(FeatureType.STRING, b'"blue"')
JSON = feature(FeatureType.JSON, b'"{\\"a\\":1}"')


def decided(body, stored=FLAG, roles=ALL, lock=None):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decide_write(WRITE, text, granted([stored], roles=roles), lock=lock)


def handed_on(body, stored=FLAG, *, status=200) -> StreamedFeatureUpdate:
    result = decided(body, stored)
    assert isinstance(result, HandOn)
    assert result.answer.status == status
    return result.update


@pytest.mark.parametrize(
    ("body", "stored", "roles", "status", "text"),
    [
        pytest.param(b"", FLAG, ALL, 400, "the body", id="no-body"),
        pytest.param(b"[]", FLAG, ALL, 400, "the body", id="an-array"),
        pytest.param(b"{", FLAG, ALL, 400, "the body", id="half-a-body"),
        pytest.param(b'{"lock":"yes"}', FLAG, ALL, 400, "the body", id="lock-of-another-type"),
        pytest.param(b'{"value":"\xff"}', FLAG, ALL, 400, "the", id="not-utf-8"),
        pytest.param({"value": True}, FLAG, [Role.READ], 403, "no write roles", id="row-2"),
        pytest.param({"lock": True}, FLAG, CHANGE, 403, "feature locked", id="row-3"),
        pytest.param(
            {"lock": False},
            FLAG,
            CHANGE,
            403,
            "feature locked, no permission to unlock",
            id="row-4",
        ),
        pytest.param({}, FLAG, ALL, 400, "lock and updateValue null, nothing to do", id="row-5"),
        pytest.param({"value": None}, FLAG, ALL, 400, "lock and", id="row-5-null-is-absence"),
        pytest.param({"updateValue": False}, FLAG, ALL, 400, "lock and", id="row-5-false"),
        pytest.param(
            {"value": True},
            FLAG,
            (Role.READ, Role.LOCK),
            403,
            "API Key has no change_value permission",
            id="row-6",
        ),
        pytest.param(
            {"value": True},
            LOCKED,
            ALL,
            412,
            "it is locked, cannot change value without also unlocking",
            id="row-7",
        ),
        pytest.param({"value": True, "lock": True}, LOCKED, ALL, 412, "it is", id="row-7-locking"),
        pytest.param(
            {"value": "maybe"}, FLAG, ALL, 400, "flag value must be true or false", id="row-8"
        ),
        pytest.param(
            {"value": "{"},
            JSON,
            ALL,
            400,
            "Attempting to update JSON value to non-json",
            id="row-9",
        ),
        pytest.param({"value": '{"a":1,"a":2}'}, JSON, ALL, 400, "Attempting", id="row-9-twice"),
        pytest.param({"value": ""}, JSON, ALL, 400, "Attempting", id="row-9-empty"),
        pytest.param({"value": "NaN"}, JSON, ALL, 400, "Attempting", id="row-9-nan"),
        pytest.param({"value": "[" * 100_000}, JSON, ALL, 400, "Attempting", id="row-9-deep"),
        pytest.param(
            {"value": "ten"},
            NUMBER,
            ALL,
            400,
            "Attempting to update NUMBER value with non-NUMBER",
            id="row-10",
        ),
        pytest.param({"value": True}, NUMBER, ALL, 400, "Attempting", id="row-10-boolean"),
        pytest.param({"value": "NaN"}, NUMBER, ALL, 400, "Attempting", id="row-10-nan"),
        pytest.param({"value": "1e999"}, NUMBER, ALL, 400, "Attempting", id="row-10-too-large"),
        pytest.param({"value": "\u0661"}, NUMBER, ALL, 400, "Attempting", id="row-10-other-digits"),
        pytest.param(
            {"updateValue": True}, FLAG, ALL, 412, "cannot set flag value to null", id="row-11"
        ),
        pytest.param({"value": "\0"}, STRING, ALL, 400, "the value holds NUL", id="nul"),
        pytest.param(b'{"value":"\\ud800"}', STRING, ALL, 400, "the", id="half-a-surrogate"),
    ],
)
def test_what_is_refused(body, stored, roles, status, text) -> None:
    answer = decided(body, stored, roles)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body.decode()[: len(text)]) == (status, text)
    assert not answer.body or ("content-type", "text/plain") in answer.headers


@pytest.mark.parametrize(
    ("answer", "status"), [(Denied(), 404), (NotReady("loading"), 503), (granted([]), 404)]
)
def test_what_dacha_does_not_show_is_not_written(answer, status) -> None:
    decided = decide_write(WRITE, b'{"value":true}', answer)
    assert isinstance(decided, Answer)
    assert decided.status == status


def test_the_first_check_that_fails_decides() -> None:
    everything_wrong = {"value": "maybe", "lock": True}
    by_roles = [
        ([Role.READ], 403, "no write roles"),
        ([Role.READ, Role.UNLOCK], 403, "feature locked"),
        ([Role.READ, Role.LOCK], 403, "API Key has no change_value permission"),
        ([Role.LOCK, Role.CHANGE_VALUE], 412, "it is locked"),
    ]
    for roles, status, text in by_roles:
        answer = decided(everything_wrong, LOCKED, roles)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.body.decode()[: len(text)]) == (status, text)


@pytest.mark.parametrize(
    ("body", "stored", "expected"),
    [
        pytest.param({"value": True}, FLAG, {"valueBoolean": True}, id="boolean"),
        pytest.param({"value": "TRUE"}, FLAG, {"valueBoolean": True}, id="boolean-as-text"),
        pytest.param({"value": "red"}, STRING, {"valueString": "red"}, id="string"),
        pytest.param({"value": 5}, STRING, {"valueString": "5"}, id="string-from-number"),
        pytest.param({"value": ""}, STRING, {"valueString": ""}, id="empty-string"),
        pytest.param({"value": "[1, 2]"}, JSON, {"valueString": "[1, 2]"}, id="json"),
        pytest.param(b'{"value":{"b":2}}', JSON, {"valueString": '{"b":2}'}, id="json-as-object"),
        pytest.param({"value": 16}, NUMBER, {"valueNumber": 16}, id="number"),
        pytest.param({"value": "1.50"}, NUMBER, {"valueNumber": 1.5}, id="number-as-text"),
        pytest.param({"updateValue": True}, NUMBER, {}, id="null"),
        pytest.param(
            {"value": True, "lock": True}, FLAG, {"valueBoolean": True, "lock": True}, id="and-lock"
        ),
        pytest.param(
            {"value": True, "lock": False},
            LOCKED,
            {"valueBoolean": True, "lock": False},
            id="and-unlock",
        ),
    ],
)
def test_what_is_handed_on(body, stored, expected) -> None:
    assert (
        json.loads(msgspec.json.encode(handed_on(body, stored)))
        == {
            "apiKey": SERVER_KEY.secret,
            "environmentId": str(ENVIRONMENT),
            "featureKey": "flag",
            "updatingValue": True,
            "oId": str(UUID(int=1)),
            "pId": str(UUID(int=2)),
            "aId": str(UUID(int=3)),
            "sId": str(UUID(int=4)),
        }
        | expected
    )


@pytest.mark.parametrize(
    ("body", "stored", "expected"),
    [
        pytest.param({"value": False}, FLAG, {"valueBoolean": False}, id="boolean"),
        pytest.param({"value": 15.0}, NUMBER, {"valueNumber": 15.0}, id="number-by-value"),
        pytest.param({"value": "blue"}, STRING, {"valueString": "blue"}, id="string"),
        pytest.param({"value": '{"a":1}'}, JSON, {"valueString": '{"a":1}'}, id="json"),
        pytest.param({"updateValue": True}, feature(FeatureType.STRING, None), {}, id="null"),
        pytest.param({"lock": False}, FLAG, {"lock": False}, id="lock"),
        pytest.param(
            {"value": False, "lock": False},
            FLAG,
            {"valueBoolean": False, "lock": False},
            id="both",
        ),
    ],
)
def test_what_seems_to_be_there_already_is_handed_on_for_the_seeming_may_be_old(
    body, stored, expected
) -> None:
    written = json.loads(msgspec.json.encode(handed_on(body, stored, status=202)))
    members = ("valueBoolean", "valueNumber", "valueString", "lock")
    assert {name: written[name] for name in members if name in written} == expected
    assert written.get("updatingValue", False) == (body != {"lock": False})


def test_a_lock_alone_hands_no_value_on() -> None:
    update = handed_on({"lock": True})
    assert (update.lock, update.updating_value, update.value_boolean) == (True, False, None)


def test_a_lock_that_changes_makes_a_write_of_the_same_value_a_change() -> None:
    update = handed_on({"lock": True, "value": False})
    assert (update.lock, update.updating_value, update.value_boolean) == (True, True, False)


def test_a_lock_that_was_written_lately_counts_more_than_what_is_known() -> None:
    assert isinstance(decided({"value": True}, LOCKED, lock=False), HandOn)
    refused = decided({"value": True}, FLAG, lock=True)
    assert isinstance(refused, Answer)
    assert refused.status == 412
    unlocked = decided({"lock": False}, LOCKED, lock=False)
    assert isinstance(unlocked, HandOn)
    assert unlocked.answer.status == 202


def test_digits_of_a_number_are_kept() -> None:
    update = handed_on(b'{"value":12345678901234567890.123456789}', NUMBER)
    assert update.value_number == Raw(b"12345678901234567890.123456789")


def test_a_retired_feature_and_one_without_a_value_can_be_written() -> None:
    for stored in (feature(FeatureType.BOOLEAN, b"false", retired=True), boolean("flag")):
        assert handed_on({"value": True}, stored).value_boolean is True


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_makes_a_mess(body: bytes) -> None:
    for stored in (FLAG, NUMBER, STRING, JSON):
        result = decided(body, stored)
        assert isinstance(result, HandOn) or result.status in {400, 412}


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_whatever_is_handed_on_can_be_stored(value: object) -> None:
    for stored in (FLAG, NUMBER, STRING, JSON):
        result = decided({"value": value}, stored)
        if isinstance(result, HandOn):
            assert json.loads(msgspec.json.encode(result.update))["featureKey"] == "flag"
            assert "\0" not in (result.update.value_string or "")


def put(path: str, body: bytes, headers: str = "") -> bytes:
    return (
        f"PUT {path} HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{headers}\r\n"
    ).encode() + body


E, S, C = ENVIRONMENT, SERVER_KEY.secret, CLIENT_KEY.secret


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param(f"/features/{E}/{S}/flag", 200, id="two-segments"),
        pytest.param(f"/features/default/{E}/{S}/flag", 200, id="with-a-cache"),
        pytest.param(f"/features/{E}+{S}/flag", 200, id="packed-by-plus"),
        pytest.param(f"/features/{E}%2F{S}/flag", 200, id="packed-by-encoded-slash"),
        pytest.param(f"/features/{E}/{C}/flag", 200, id="star"),
        pytest.param(f"/features/{E}/{C.replace('*', '%2A')}/fl%61g", 200, id="encoded"),
        pytest.param(f"/features/{E}/{S}/other", 404, id="no-such-feature"),
        pytest.param(f"/features/{E}/{'x' * 40}/flag", 404, id="no-such-key"),
        pytest.param(f"/features/not-a-uuid/{S}/flag", 404, id="no-uuid"),
        pytest.param(f"/features/nouuid+{S}/flag", 404, id="packed-no-uuid"),
        pytest.param(f"/features/{E}/flag", 400, id="packed-of-one-part"),
        pytest.param(f"/features/{E}+{S}+x/flag", 400, id="packed-of-three-parts"),
        pytest.param("/features", 404, id="nothing"),
        pytest.param(f"/features/a/b/{E}/{S}/flag", 404, id="too-deep"),
    ],
)
async def test_the_forms_of_the_path(path: str, status: int) -> None:
    view = granted([FLAG], roles=ALL)
    async with edge_under_test(MemoryLookup({SERVER_KEY: view, CLIENT_KEY: view})) as under_test:
        client = await under_test.connect()
        await client.send(put(path, b'{"value":true}'))
        assert (await client.answer())[0] == status
        assert len(under_test.updates.submitted) == (status == 200)


async def test_a_connection_goes_on_after_a_write() -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([FLAG], roles=ALL)}, cold=True)
    async with edge_under_test(lookup) as under_test:
        client = await under_test.connect()
        path = f"/features/{E}/{S}/flag"
        # The second request comes with the first, in front of its answer.
        await client.send(put(path, b'{"value":true}') + put(path, b'{"value":false}'))
        assert [(await client.answer())[0] for _ in range(2)] == [200, 202]
        await client.send(put(path, b'{"lock":true}', "Origin: http://page\r\n"))
        status, headers, _ = await client.answer()
        assert (status, headers["access-control-allow-origin"]) == (200, "*")
        assert [update.lock for update in under_test.updates.submitted] == [None, None, True]
