import pytest

from bench.baselines.bare_asgi import ETAG, BareFunction


async def answered(*headers):
    sent = []

    async def send(message):
        sent.append(message)

    await BareFunction(b"[1]")({"headers": headers}, None, send)
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


async def test_everything_is_answered_with_the_body():
    status, headers, body = await answered((b"host", b"x"))
    assert (status, headers[b"content-length"], body) == (200, b"3", b"[1]")


@pytest.mark.parametrize(("held", "status"), [(ETAG, 304), (b'"other"', 200)])
async def test_whoever_holds_it_is_told_so(held, status):
    found, headers, body = await answered((b"if-none-match", held))
    assert (found, headers[b"etag"], bool(body)) == (status, ETAG, status == 200)
