"""What answers say to the caches in front of Edge."""

from uuid import UUID

import pytest
from edge_under_test import (
    ENVIRONMENT,
    SERVER_KEY,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)

from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

VIEW = granted([boolean("flag", True)])
OTHER = SdkKey(EnvironmentId(UUID(int=7)), "t" * 40)
PATH = f"/features?apiKey={ENVIRONMENT}/{SERVER_KEY.secret}"


async def test_without_a_cache_nothing_is_kept() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW})) as under_test:
        _, headers, _ = await under_test.poll(SERVER_KEY)
        assert headers["cache-control"] == "no-store, max-age=0"
        assert not {"vary", "surrogate-key"} & headers.keys()


async def test_what_may_be_kept_is_kept_for_one_context_only() -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([], info={"cacheControl": "max-age=60"})})
    async with edge_under_test(lookup) as under_test:
        _, headers, _ = await under_test.poll(SERVER_KEY)
        assert (headers["cache-control"], headers["vary"]) == ("max-age=60", "x-featurehub, origin")


async def test_behind_fastly_answers_name_their_environments() -> None:
    lookup = MemoryLookup({SERVER_KEY: VIEW, OTHER: VIEW})
    async with edge_under_test(lookup, surrogate_keys=True) as under_test:
        client = await under_test.connect()
        query = f"{PATH}&apiKey={OTHER.environment_id}/{OTHER.secret}&contextSha=0"
        await client.send(f"GET {query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status, headers, _ = await client.answer()
        expected = f"{ENVIRONMENT} {OTHER.environment_id}"
        assert (status, headers["surrogate-key"]) == (200, expected)
        await client.send(
            f"GET {query} HTTP/1.1\r\nHost: x\r\nif-none-match: {headers['etag']}\r\n\r\n".encode()
        )
        status, headers, _ = await client.answer()
        assert (status, headers["surrogate-key"]) == (304, expected)
        unknown = f"/features?apiKey={ENVIRONMENT}/{'x' * 40}&contextSha=0"
        await client.send(f"GET {unknown} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status, headers, _ = await client.answer()
        assert (status, headers["surrogate-key"]) == (404, str(ENVIRONMENT))


async def test_behind_fastly_a_poll_without_a_digest_of_its_context_is_refused() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW}), surrogate_keys=True) as under_test:
        for path in (PATH, "/features"):
            client = await under_test.connect()
            await client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            status, headers, body = await client.answer()
            assert (status, b"contextSha" in body) == (400, True)
            assert headers["content-type"] == "text/plain"
            await client.until_closed()


async def test_behind_fastly_a_poll_without_any_key_names_no_environment() -> None:
    async with edge_under_test(MemoryLookup(), surrogate_keys=True) as under_test:
        client = await under_test.connect()
        request = b"GET /features?apiKey=nonsense&contextSha=0 HTTP/1.1\r\nHost: x\r\n\r\n"
        await client.send(request)
        status, headers, _ = await client.answer()
        assert (status, "surrogate-key" in headers) == (404, False)


async def test_behind_fastly_a_stream_may_be_shared_for_as_long_as_it_lives() -> None:
    lookup = MemoryLookup({SERVER_KEY: VIEW})
    request = (
        f"GET /features/{ENVIRONMENT}/{SERVER_KEY.secret} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    )
    for life_seconds, control in ((30, b"public, max-age=29"), (0, b"no-store, max-age=0")):
        async with edge_under_test(
            lookup, surrogate_keys=True, drop_after_seconds=life_seconds
        ) as under_test:
            client = await under_test.connect()
            await client.send(request)
            assert b"cache-control: " + control in await client.until(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        (f"GET /features/?apiKey={ENVIRONMENT}/{SERVER_KEY.secret}", True),
        (f"GET {PATH}", False),
        ("GET /features", False),
        ("GET /features/a/b", True),
        (f"OPTIONS /features/{ENVIRONMENT}/{SERVER_KEY.secret}/flag", True),
        (f"PUT /features/{ENVIRONMENT}/{SERVER_KEY.secret}/flag", True),
        ("POST /ofrep/v1/evaluate/flags", False),
    ],
)
async def test_proxies_are_told_to_keep_nothing_back_below_the_path_of_streams(
    request_line: str, expected: bool
) -> None:
    for root in ("", "/below"):
        lookup = MemoryLookup({SERVER_KEY: VIEW})
        async with edge_under_test(lookup, root=tuple(root.split("/")[1:])) as under_test:
            line = request_line.replace(" /", f" {root}/", 1)
            # More than once, for polls that come again are answered another way.
            for _ in range(3):
                client = await under_test.connect()
                await client.send(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                _, headers, _ = await client.answer()
                assert (headers.get("x-accel-buffering") == "no") == expected
