"""OpenFeature's remote evaluation protocol on a real socket."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from msgspec import Raw, structs
from ofrep_client import BEARER, FLAGS, asked, post, view

from fh.contracts.answers import NotReady
from fh.contracts.published import CacheRolloutStrategy, CacheRolloutStrategyAttribute
from fh.edge.evaluation import FeatureStates
from fh.edge.flags import Flags
from fh.edge.ofrep import answer_evaluation
from fh.edge.request import EvaluateFlags
from fh.model.sdk_key import SdkKey
from fh.wire.http_body import MOST_BODY_BYTES
from fh.wire.ofrep import MOST_CONTEXT_BYTES

E, S, C = ENVIRONMENT, SERVER_KEY.secret, CLIENT_KEY.secret
FRED = b'{"context":{"targetingKey":"fred"}}'


@pytest.fixture
async def edge() -> AsyncIterator[EdgeUnderTest]:
    lookup = MemoryLookup({SERVER_KEY: view(), CLIENT_KEY: view()})
    async with edge_under_test(lookup) as under_test:
        yield under_test


async def all_flags(
    edge: EdgeUnderTest, body: bytes = b"{}", headers: str = BEARER
) -> tuple[dict[str, Mapping[str, object]], dict[str, str]]:
    status, answered, text = await asked(edge, post(FLAGS, body, headers))
    assert status == 200, text
    return {flag["key"]: flag for flag in json.loads(text)["flags"]}, answered


# One flag ---------------------------------------------------------------------------------------


async def test_one_flag_has_its_value_and_the_reason_for_it(edge: EdgeUnderTest) -> None:
    status, headers, body = await asked(edge, post(f"{FLAGS}/rolled", FRED))
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store, max-age=0"
    assert json.loads(body) == {
        "key": "rolled",
        "reason": "TARGETING_MATCH",
        "variant": "rs1A",
        "metadata": {"type": "STRING", "version": 1, "locked": False},
        "value": "for fred",
    }


async def test_a_flag_that_is_not_there_is_not_found(edge: EdgeUnderTest) -> None:
    for key in ("nope", "a%2Fb", "a/b"):
        status, _, body = await asked(edge, post(f"{FLAGS}/{key}"))
        assert status == 404
        assert json.loads(body) == {
            "key": key.replace("%2F", "/"),
            "errorCode": "FLAG_NOT_FOUND",
            "errorDetails": "there is no such feature",
        }


async def test_a_flag_whose_value_can_not_be_read_is_an_error_of_its_own() -> None:
    good, bad = boolean("good", True), boolean("bad", True)
    assert bad.value is not None
    bad = structs.replace(bad, value=structs.replace(bad.value, value=Raw(b'"maybe"')))
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([good, bad])})) as edge:
        status, _, body = await asked(edge, post(f"{FLAGS}/bad"))
        assert (status, json.loads(body)["errorCode"]) == (400, "PARSE_ERROR")
        flags, _ = await all_flags(edge)
    assert flags["good"]["value"] is True
    assert flags["bad"]["errorCode"] == "PARSE_ERROR"


# All flags --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [SERVER_KEY, CLIENT_KEY], ids=["server", "client"])
async def test_all_flags_are_evaluated_here_for_both_kinds_of_keys(
    edge: EdgeUnderTest, key: SdkKey
) -> None:
    headers = f"Authorization: Bearer {E}/{key.secret}\r\n"
    for body, value in ((FRED, "for fred"), (b"{}", "default")):
        flags, _ = await all_flags(edge, body, headers)
        assert {name: flag["value"] for name, flag in flags.items()} == {
            "dark": True,
            "rolled": value,
        }
        assert "strategies" not in flags["rolled"]


async def test_an_answer_that_is_held_already_is_not_sent_again(edge: EdgeUnderTest) -> None:
    _, headers = await all_flags(edge, FRED)
    etag = headers["etag"]
    for held in (etag, f"W/{etag}", f'"other", {etag}'):
        request = post(FLAGS, FRED, f"{BEARER}If-None-Match: {held}\r\n")
        status, again, body = await asked(edge, request)
        assert (status, again["etag"], body) == (304, etag, b"")
    mary = b'{"context":{"targetingKey":"mary"}}'
    status, other, _ = await asked(edge, post(FLAGS, mary, f"{BEARER}If-None-Match: {etag}\r\n"))
    assert status == 200
    assert other["etag"] != etag


async def test_a_context_that_changes_nothing_keeps_the_etag(edge: EdgeUnderTest) -> None:
    etags = [
        (await all_flags(edge, body))[1]["etag"]
        for body in (b"{}", b'{"context":{"targetingKey":"mary"}}', b'{"context":{"plan":"pro"}}')
    ]
    assert len(set(etags)) == 1


async def test_a_changed_flag_changes_the_etag(edge: EdgeUnderTest) -> None:
    _, before = await all_flags(edge)
    edge.lookup.answers[SERVER_KEY] = granted([boolean("dark", True, version=2)])
    _, after = await all_flags(edge, headers=f"{BEARER}If-None-Match: {before['etag']}\r\n")
    assert before["etag"] != after["etag"]


def test_a_rule_on_the_time_is_told_when_the_time_has_come() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    after = CacheRolloutStrategyAttribute(
        "GREATER", "now", "DATETIME", (Raw(b'"2026-01-01T12:00:00Z"'),)
    )
    feature = targeted_at("userkey", "fred", b'"x"')
    assert feature.value is not None
    strategy = CacheRolloutStrategy("later", attributes=(after,), value=Raw(b'"new year"'))
    feature = structs.replace(
        feature, value=structs.replace(feature.value, rollout_strategies=(strategy,))
    )
    seen = granted([feature])
    flags = Flags(FeatureStates(now=lambda: now))

    morning = answer_evaluation(EvaluateFlags(SERVER_KEY, None), b"", seen, flags)
    held = EvaluateFlags(SERVER_KEY, dict(morning.headers)["etag"])
    assert answer_evaluation(held, b"", seen, flags).status == 304
    now += timedelta(days=1)
    assert answer_evaluation(held, b"", seen, flags).status == 200


# Requests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(f"Authorization: Bearer {E}/{S}\r\n", 200, id="bearer"),
        pytest.param(f"authorization: bearer  {E}/{S}\r\n", 200, id="scheme-in-lower-case"),
        pytest.param(f"Authorization: Bearer default/{E}/{S}\r\n", 200, id="with-a-cache"),
        pytest.param(f"Authorization: Bearer {E}/{C}\r\n", 200, id="star"),
        pytest.param(f"X-API-Key: {E}/{S}\r\n", 200, id="api-key"),
        pytest.param(f"Authorization: Basic eA==\r\nX-API-Key: {E}/{S}\r\n", 200, id="both"),
        pytest.param("", 401, id="none"),
        pytest.param(f"Authorization: {E}/{S}\r\n", 401, id="no-scheme"),
        pytest.param(f"Authorization: Basic {E}/{S}\r\n", 401, id="another-scheme"),
        pytest.param("Authorization: Bearer\r\n", 401, id="empty"),
        pytest.param("Authorization: Bearer x\r\n", 401, id="no-key"),
        pytest.param(f"Authorization: Bearer no-uuid/{S}\r\n", 401, id="no-uuid"),
        pytest.param(f"Authorization: Bearer {E}/{'x' * 40}\r\n", 401, id="unknown"),
    ],
)
async def test_who_has_no_key_that_works_is_unauthorized(
    edge: EdgeUnderTest, headers: str, status: int
) -> None:
    for path in (FLAGS, f"{FLAGS}/dark"):
        answered, sent, body = await asked(edge, post(path, b"{}", headers))
        assert answered == status
        if status == 401:
            assert sent["www-authenticate"] == "Bearer"
            assert json.loads(body)["errorCode"] == "GENERAL"
            assert "connection" not in sent


@pytest.mark.parametrize("path", [FLAGS, f"{FLAGS}/dark"], ids=["all", "one"])
async def test_what_can_not_be_known_yet_is_never_refused(path: str) -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: NotReady("loading")})) as edge:
        status, headers, body = await asked(edge, post(path))
    assert (status, headers["retry-after"]) == (503, "1")
    assert json.loads(body)["errorCode"] == "GENERAL"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"{", "PARSE_ERROR", id="half"),
        pytest.param(b"\xff\xfe", "PARSE_ERROR", id="binary"),
        pytest.param(b"[]", "PARSE_ERROR", id="an-array"),
        pytest.param(b'{"context":7}', "INVALID_CONTEXT", id="context"),
        pytest.param(b'{"context":{"targetingKey":7}}', "INVALID_CONTEXT", id="targeting-key"),
        pytest.param(b"{" + b" " * MOST_CONTEXT_BYTES + b"}", "INVALID_CONTEXT", id="too-long"),
    ],
)
async def test_a_body_that_can_not_be_used_is_told_in_the_protocols_words(
    edge: EdgeUnderTest, body: bytes, code: str
) -> None:
    client = await edge.connect()
    # One connection: what is wrong with one request is nothing to the next.
    await client.send(post(FLAGS, body) + post(f"{FLAGS}/dark", body) + post(FLAGS))
    status, _, text = await client.answer()
    assert (status, json.loads(text)["errorCode"]) == (400, code)
    assert "key" not in json.loads(text)
    status, _, text = await client.answer()
    assert (status, json.loads(text)["errorCode"]) == (400, code)
    assert json.loads(text)["key"] == "dark"
    assert (await client.answer())[0] == 200


async def test_a_huge_body_is_refused_unread(edge: EdgeUnderTest) -> None:
    client = await edge.connect()
    length = MOST_BODY_BYTES + 1
    await client.send(
        f"POST {FLAGS} HTTP/1.1\r\nHost: x\r\n{BEARER}content-length: {length}\r\n\r\n".encode()
    )
    assert (await client.answer())[0] == 413


@pytest.mark.parametrize(
    "kind", ["", "content-type: text/plain\r\n", "content-type: application/json; charset=x\r\n"]
)
async def test_the_content_type_does_not_matter(edge: EdgeUnderTest, kind: str) -> None:
    length = f"content-length: {len(FRED)}\r\n"
    head = f"POST {FLAGS}/rolled HTTP/1.1\r\nHost: x\r\n{kind}{BEARER}{length}\r\n"
    status, _, body = await asked(edge, head.encode() + FRED)
    assert (status, json.loads(body)["value"]) == (200, "for fred")


async def test_no_body_at_all_is_no_context(edge: EdgeUnderTest) -> None:
    request = f"POST {FLAGS}/rolled HTTP/1.1\r\nHost: x\r\n{BEARER}\r\n"
    status, _, body = await asked(edge, request.encode())
    assert (status, json.loads(body)["value"]) == (200, "default")


async def test_a_body_in_chunks_is_read(edge: EdgeUnderTest) -> None:
    client = await edge.connect()
    coding = "transfer-encoding: chunked\r\n"
    head = f"POST {FLAGS}/rolled HTTP/1.1\r\nHost: x\r\n{BEARER}{coding}\r\n"
    await client.send(head.encode())
    for part in (FRED[:7], FRED[7:]):
        await client.send(b"%x\r\n%b\r\n" % (len(part), part))
    await client.send(b"0\r\n\r\n")
    status, _, body = await client.answer()
    assert (status, json.loads(body)["value"]) == (200, "for fred")


async def test_what_has_to_be_loaded_is_loaded() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: view()}, cold=True)) as edge:
        assert (await asked(edge, post(f"{FLAGS}/dark")))[0] == 200
        assert (await asked(edge, post(FLAGS)))[0] == 200
        assert (await asked(edge, post(FLAGS, headers="")))[0] == 401
        assert edge.lookup.asked == 2


async def test_a_bug_behind_one_request_ends_nobody_elses() -> None:
    class Lookup(MemoryLookup):
        def find_key(self, key):
            if key == CLIENT_KEY:
                raise RuntimeError("a bug")
            return super().find_key(key)

    async with edge_under_test(Lookup({SERVER_KEY: view()})) as edge:
        broken = f"Authorization: Bearer {E}/{C}\r\n"
        assert (await asked(edge, post(FLAGS, headers=broken)))[0] == 503
        assert (await asked(edge, post(FLAGS)))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", FLAGS, 405),
        ("PUT", f"{FLAGS}/dark", 405),
        ("OPTIONS", FLAGS, 200),
        ("POST", f"/ofrep/v1/changes/{E}/{S}", 405),
        ("POST", f"{FLAGS}/", 200),
        ("GET", "/ofrep/v1/changes", 404),
        ("GET", "/ofrep", 404),
        ("POST", "/ofrep/v2/evaluate/flags", 404),
        ("GET", "/ofrep/v1/configuration", 404),
    ],
)
async def test_other_methods_and_paths(
    edge: EdgeUnderTest, method: str, path: str, status: int
) -> None:
    request = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{BEARER}\r\n"
    assert (await asked(edge, request.encode()))[0] == status


# Pages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FLAGS, f"{FLAGS}/dark", f"/ofrep/v1/changes/{E}/{S}"])
async def test_a_page_may_ask_from_anywhere(edge: EdgeUnderTest, path: str) -> None:
    request = f"OPTIONS {path} HTTP/1.1\r\nHost: x\r\nOrigin: http://page\r\n\r\n"
    status, headers, _ = await asked(edge, request.encode())
    assert status == 200
    allowed = set(headers["access-control-allow-headers"].split(", "))
    assert {"authorization", "x-api-key", "content-type", "if-none-match"} <= allowed
    assert "POST" in headers["access-control-allow-methods"]


async def test_a_page_may_read_every_answer_and_its_etag(edge: EdgeUnderTest) -> None:
    page = f"{BEARER}Origin: http://page\r\n"
    for request in (
        post(FLAGS, headers=page),
        post(f"{FLAGS}/nope", headers=page),
        post(FLAGS, b"{", headers=page),
        post(FLAGS, headers="Origin: http://page\r\n"),
    ):
        _, headers, _ = await asked(edge, request)
        assert headers["access-control-allow-origin"] == "*"
        assert "etag" in headers["access-control-expose-headers"].split(", ")
