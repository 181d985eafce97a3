"""What OpenFeature's providers send to an Edge under test."""

from edge_under_test import ENVIRONMENT, SERVER_KEY, EdgeUnderTest, boolean, granted, targeted_at

from fh.contracts.answers import Granted

FLAGS = "/ofrep/v1/evaluate/flags"
BEARER = f"Authorization: Bearer {ENVIRONMENT}/{SERVER_KEY.secret}\r\n"

Answer = tuple[int, dict[str, str], bytes]


def view() -> Granted:
    return granted([boolean("dark", True), targeted_at("userkey", "fred", b'"for fred"')])


def post(path: str, body: bytes = b"{}", headers: str = BEARER) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{headers}\r\n"
    ).encode() + body


async def asked(edge: EdgeUnderTest, request: bytes) -> Answer:
    client = await edge.connect()
    await client.send(request)
    return await client.answer()
