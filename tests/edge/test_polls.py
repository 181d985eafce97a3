import json
from dataclasses import replace
from uuid import UUID

import pytest
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)

from fh.contracts.answers import NotReady

OTHER = replace(SERVER_KEY, environment_id=UUID("95f6c09a-20e7-41e2-9014-1421682b71b1"))


def flags(**view: object) -> MemoryLookup:
    features = [boolean("dark", True), boolean("gone", True, retired=True), boolean("never")]
    return MemoryLookup({key: granted(features, **view) for key in (SERVER_KEY, CLIENT_KEY, OTHER)})


async def test_a_poll_answers_with_every_feature_that_is_not_retired() -> None:
    async with edge_under_test(flags()) as edge:
        status, headers, body = await edge.poll(SERVER_KEY)
        etag = edge.lookup.answers[SERVER_KEY].etag
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert headers["etag"] == f'"{etag}"'
    assert headers["cache-control"] == "no-store, max-age=0"
    [environment] = json.loads(body)
    assert environment["id"] == str(ENVIRONMENT)
    found = {feature["key"]: feature for feature in environment["features"]}
    assert set(found) == {"dark", "never"}
    assert found["never"].keys() == {"id", "key", "l", "version", "type"}
    assert found["never"]["version"] == 0


@pytest.mark.parametrize("path", ["/features", "/features/"])
@pytest.mark.parametrize("separator", ["/", "%2F"])
async def test_both_spellings_of_path_and_key_work(path: str, separator: str) -> None:
    async with edge_under_test(flags()) as edge:
        client = await edge.connect()
        key = f"{ENVIRONMENT}{separator}{CLIENT_KEY.secret.replace('*', '%2A')}"
        await client.send(f"GET {path}?apiKey={key} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await client.answer())[0] == 200


async def test_what_is_known_is_answered_304_with_the_etag_as_it_was_sent() -> None:
    async with edge_under_test(flags()) as edge:
        _, headers, _ = await edge.poll(SERVER_KEY)
        etag = headers["etag"]
        status, headers, body = await edge.poll(SERVER_KEY, headers=f"if-none-match: {etag}\r\n")
        assert (status, headers["etag"], body) == (304, etag, b"")
        assert "content-length" not in headers
        weak = f"if-none-match: W/{etag}\r\n"
        assert (await edge.poll(SERVER_KEY, headers=weak))[0] == 200


async def test_the_context_is_part_of_the_etag() -> None:
    async with edge_under_test(flags()) as edge:
        context = "x-featurehub: userkey=fred\r\n"
        _, headers, _ = await edge.poll(SERVER_KEY, headers=context)
        etag = headers["etag"]
        assert etag.endswith('//285d1a9b00e68df0c3aaa1bd6421f0bf"')
        known = f"if-none-match: {etag}\r\n"
        assert (await edge.poll(SERVER_KEY, headers=context + known))[0] == 304
        assert (await edge.poll(SERVER_KEY, headers=known))[0] == 200


async def test_nobody_is_told_that_what_another_user_saw_is_still_right() -> None:
    # The two have one hash code in Java.
    aa, bb = "x-featurehub: userkey=Aa\r\n", "x-featurehub: userkey=BB\r\n"
    lookup = MemoryLookup({SERVER_KEY: granted([targeted_at("userkey", "BB", b'"for BB"')])})
    async with edge_under_test(lookup) as edge:
        _, headers, body = await edge.poll(SERVER_KEY, headers=aa)
        assert b"for BB" not in body
        known = f"if-none-match: {headers['etag']}\r\n"
        status, _, body = await edge.poll(SERVER_KEY, headers=bb + known)
        assert (status, b"for BB" in body) == (200, True)
        resuming = f"last-event-id: {headers['etag'][1:-1]}\r\n"
        stream = await edge.open_stream(headers=bb + resuming)
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]


async def test_several_keys_are_answered_in_the_order_of_the_request() -> None:
    async with edge_under_test(flags()) as edge:
        status, headers, body = await edge.poll(OTHER, SERVER_KEY, OTHER)
        assert status == 200
        ids = [environment["id"] for environment in json.loads(body)]
        assert ids == [str(OTHER.environment_id), str(ENVIRONMENT)]
        known = f"if-none-match: {headers['etag']}\r\n"
        assert (await edge.poll(OTHER, SERVER_KEY, headers=known))[0] == 304
        assert (await edge.poll(SERVER_KEY, headers=known))[0] == 200


async def test_an_unknown_key_is_404_alone_and_an_empty_list_beside_a_known_one() -> None:
    lookup = flags()
    del lookup.answers[OTHER]
    async with edge_under_test(lookup) as edge:
        assert (await edge.poll(OTHER))[0] == 404
        status, headers, body = await edge.poll(OTHER, SERVER_KEY)
        assert status == 200
        assert json.loads(body)[0] == {"id": str(OTHER.environment_id), "features": []}
        assert headers["etag"].startswith('"0;')


async def test_a_key_that_can_not_be_known_now_is_503_for_the_whole_request() -> None:
    lookup = flags()
    lookup.answers[OTHER] = NotReady("loading")
    async with edge_under_test(lookup) as edge:
        status, headers, body = await edge.poll(OTHER, SERVER_KEY)
    assert status == 503
    assert headers["retry-after"] == "1"
    assert body == b"cache layer not ready, try again shortly"


async def test_what_is_not_in_memory_is_loaded() -> None:
    lookup = flags()
    lookup.cold = True
    async with edge_under_test(lookup) as edge:
        assert (await edge.poll(SERVER_KEY))[0] == 200
    assert lookup.asked == 1


async def test_a_lookup_that_breaks_is_503_and_the_next_poll_is_served() -> None:
    class Breaking(MemoryLookup):
        async def load_key(self, key):
            self.cold = False
            raise RuntimeError("a bug")

    lookup = Breaking(flags().answers, cold=True)
    async with edge_under_test(lookup) as edge:
        assert (await edge.poll(SERVER_KEY))[0] == 503
        assert (await edge.poll(SERVER_KEY))[0] == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?contextSha=0", 400),
        ("?apiKey=nonsense", 404),
        ("?apiKey=not-a-uuid/key", 404),
        (f"?apiKey={ENVIRONMENT}/", 404),
        (f"?apiKey={ENVIRONMENT}/{'x' * 101}", 404),
        (f"?apiKey=default/{ENVIRONMENT}/{'s' * 40}", 200),
        (f"?sdkUrl={ENVIRONMENT}/{'s' * 40}&apiKey=nonsense", 200),
        (f"?sdkUrl=nonsense&apiKey={ENVIRONMENT}/{'s' * 40}", 404),
    ],
)
async def test_queries(query: str, status: int) -> None:
    async with edge_under_test(flags()) as edge:
        client = await edge.connect()
        await client.send(f"GET /features{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answered, _, body = await client.answer()
        assert (answered, bool(body)) == (status, status == 200)


async def test_keys_that_can_be_none_are_404_with_what_settings_say_about_caching() -> None:
    async with edge_under_test(flags(), cache_control="max-age=10") as edge:
        client = await edge.connect()
        await client.send(b"GET /features?apiKey=nonsense HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = await client.answer()
        assert (status, headers["cache-control"]) == (404, "max-age=10")


async def test_head_is_get_without_the_body() -> None:
    async with edge_under_test(flags()) as edge:
        client = await edge.connect()
        line = f" /features?apiKey={ENVIRONMENT}/{'s' * 40} HTTP/1.1\r\nHost: x\r\n"
        await client.send(f"GET{line}\r\n".encode())
        status, headers, body = await client.answer()
        await client.send(f"HEAD{line}Connection: close\r\n\r\n".encode())
        head, _, rest = (await client.until_closed()).decode().partition("\r\n\r\n")
        assert (status, rest) == (200, "")
        lines = head.split("\r\n")
        assert lines[0] == "HTTP/1.1 200 OK"
        assert {f"etag: {headers['etag']}", f"content-length: {len(body)}"} <= set(lines)


@pytest.mark.parametrize(
    ("info", "setting", "expected"),
    [
        ({}, "", "no-store, max-age=0"),
        ({"cacheControl": "max-age=20"}, "", "max-age=20"),
        ({"cacheControl": "max-age=20"}, "max-age=10", "max-age=10"),
        ({"cacheControl": "a", "mgmt.cacheControl": "max-age=5"}, "max-age=10", "max-age=5"),
        ({"cacheControl": "evil\r\nx: y"}, "", "no-store, max-age=0"),
    ],
)
async def test_who_decides_about_caching(info: dict[str, str], setting: str, expected: str) -> None:
    async with edge_under_test(flags(info=info), cache_control=setting) as edge:
        _, headers, _ = await edge.poll(SERVER_KEY)
    assert headers["cache-control"] == expected


async def test_browsers_may_ask_from_anywhere() -> None:
    async with edge_under_test(flags(), cors_allow_headers=("x-mine",)) as edge:
        client = await edge.connect()
        await client.send(b"OPTIONS /features HTTP/1.1\r\nHost: x\r\norigin: http://a\r\n\r\n")
        status, headers, _ = await client.answer()
        assert status == 200
        assert headers["access-control-allow-origin"] == "*"
        assert "x-mine" in headers["access-control-allow-headers"]
        assert "x-featurehub" in headers["access-control-allow-headers"]
        await client.send(b"OPTIONS /features HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = await client.answer()
        assert (status, "GET" in headers["access-control-allow-methods"]) == (200, True)
        assert "access-control-allow-origin" not in headers
        _, headers, _ = await edge.poll(SERVER_KEY, headers="origin: http://a\r\n")
        assert headers["access-control-allow-origin"] == "*"
        assert "etag" in headers["access-control-expose-headers"]


async def test_pipelined_polls_are_answered_in_order_on_one_connection() -> None:
    async with edge_under_test(flags()) as edge:
        client = await edge.connect()
        known = f"GET /features?apiKey={ENVIRONMENT}/{'s' * 40} HTTP/1.1\r\nHost: x\r\n\r\n"
        unknown = "GET /features?apiKey=nonsense HTTP/1.1\r\nHost: x\r\n\r\n"
        await client.send((known * 500 + unknown).encode())
        statuses = [(await client.answer())[0] for _ in range(501)]
    assert statuses == [200] * 500 + [404]


async def test_a_poll_behind_one_that_has_to_be_loaded_waits_for_its_turn() -> None:
    lookup = flags()
    lookup.cold = True
    async with edge_under_test(lookup) as edge:
        client = await edge.connect()
        request = f"GET /features?apiKey={ENVIRONMENT}/{'s' * 40} HTTP/1.1\r\nHost: x\r\n\r\n"
        await client.send(request.encode() * 3)
        assert [(await client.answer())[0] for _ in range(3)] == [200] * 3
