"""Requests as nobody should send them, made from a seed: mutated, spliced, endless, mere noise."""

import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

from edge_under_test import CLIENT_KEY, ENVIRONMENT, SERVER_KEY

Random: TypeAlias = random.Random

SERVER_PATH = f"{ENVIRONMENT}/{SERVER_KEY.secret}".encode()
CLIENT_PATH = f"{ENVIRONMENT}/{CLIENT_KEY.secret}".encode()
UNKNOWN_PATH = f"{ENVIRONMENT}/{'u' * 40}".encode()
BODY = b'{"value":true,"lock":false}'

LAST = b"\r\n\r\nGET /features HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""What ends most conversations: whatever came before, this or what is left of it is answered."""


def request(method: bytes, target: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    head = b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: x", *lines, b"", b""])
    return head + body


POLLS = [
    request(b"GET", b"/features?apiKey=" + SERVER_PATH),
    request(b"GET", b"/features/?sdkUrl=" + CLIENT_PATH.replace(b"/", b"%2F") + b"&contextSha=0"),
    request(b"GET", b"/features?apiKey=" + SERVER_PATH, b"x-featurehub: userkey=fred,a=b%2Cc"),
    request(b"GET", b"/features?apiKey=" + SERVER_PATH, b'if-none-match: "a;b//c"'),
    request(b"GET", b"/features?apiKey=" + SERVER_PATH + b"&apiKey=" + UNKNOWN_PATH),
    request(b"GET", b"/features?apiKey=" + UNKNOWN_PATH, b"Origin: http://a"),
    request(b"GET", b"/features"),
]
STREAMS = [
    request(b"GET", b"/features/" + SERVER_PATH, b"accept: text/event-stream"),
    request(b"GET", b"/features/default/" + CLIENT_PATH + b"?xfeaturehub=userkey%3Dfred"),
    request(b"GET", b"/features/" + SERVER_PATH, b"Last-Event-ID: 0//f", b"Origin: http://a"),
    request(b"GET", b"/features/" + UNKNOWN_PATH),
    request(b"GET", b"/features/not-a-uuid/key"),
]
WRITES = [
    request(
        b"PUT",
        b"/features/" + SERVER_PATH + b"/dark",
        b"content-length: %d" % len(BODY),
        body=BODY,
    ),
    request(
        b"PUT",
        b"/features/" + SERVER_PATH + b"/dark",
        b"transfer-encoding: chunked",
        body=b"5;a=b\r\n"
        + BODY[:5]
        + b"\r\n%x\r\n" % (len(BODY) - 5)
        + BODY[5:]
        + b"\r\n0\r\n\r\n",
    ),
    request(b"PUT", b"/features/" + SERVER_PATH.replace(b"/", b"+") + b"/dark"),
    request(b"PUT", b"/features/" + UNKNOWN_PATH + b"/dark", b"expect: 100-continue"),
]
QUESTION = b'{"context":{"targetingKey":"fred","userkey":["a",1.5e400,{"b":null}],"country":true}}'
BEARER = b"authorization: Bearer " + SERVER_PATH
OPEN_FEATURE = [
    request(
        b"POST",
        b"/ofrep/v1/evaluate/flags" + flag,
        BEARER,
        b"content-length: %d" % len(QUESTION),
        body=QUESTION,
    )
    for flag in (b"", b"/rolled", b"/unknown%2Fflag")
]
OTHERS = [
    request(b"OPTIONS", b"/features", b"Origin: http://a"),
    request(b"GET", b"/"),
    request(b"POST", b"/mr-api/login", b"content-length: 2", body=b"{}"),
    request(b"DELETE", b"/features/" + SERVER_PATH),
    b"GET /features?apiKey=" + SERVER_PATH + b" HTTP/1.0\r\n\r\n",
    b"GET http://x/features?apiKey=" + SERVER_PATH + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    request(b"GET", b"/features/ws/" + SERVER_PATH, b"Upgrade: websocket", b"Connection: Upgrade"),
]
REQUESTS = [*POLLS, *STREAMS, *WRITES, *OPEN_FEATURE, *OTHERS]

TOKENS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\0", b" ", b"\t", b":", b",", b"=", b"%", b"%00",
    b"%ff", b"%E2%9D", b"+", b";", b"//", b'"', b"\\", b"?", b"&", b"#", b"*", b"\x0b", b"\x80",
    b"\xff", b"\xe2\x80\xa8", b"\xed\xa0\xbd", b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n",
    b"Connection: close\r\n", b"x-featurehub: ",
    b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"apiKey=", b"HTTP/1.0", b"HTTP/1.1", b"GET ",
    b"PUT ", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"9" * 30, b"-1", b"\x16\x03\x01",
    b"PRI * HTTP/2.0\r\n\r\n",
]  # fmt: skip


def _mutated(dice: Random) -> bytes:
    data = bytearray(dice.choice(REQUESTS))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(6):
            case 0:
                data[at:at] = dice.choice(TOKENS)
            case 1:
                data[at : at + dice.randint(1, 12)] = b""
            case 2:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 3:
                data[at:at] = data[at : at + dice.randint(1, 60)]
            case 4:
                start = dice.randrange(len(data) + 1)
                data[at : at + 20] = data[start : start + 20]
            case _:
                data[at:at] = dice.choice(TOKENS) * dice.choice([2, 30, 2000])
    return bytes(data)


def _spliced(dice: Random) -> bytes:
    first, second = dice.choice(REQUESTS), dice.choice(REQUESTS)
    return first[: dice.randrange(len(first))] + second[dice.randrange(len(second)) :]


def _of_tokens(dice: Random) -> bytes:
    return b"".join(dice.choice(TOKENS) for _ in range(dice.randint(1, 40)))


def _noise(dice: Random) -> bytes:
    return dice.randbytes(dice.choice([1, 10, 100, 5000]))


def _with_a_context(dice: Random) -> bytes:
    alphabet = [
        b"a",
        b"b",
        b"=",
        b",",
        b"%2C",
        b"%",
        b"%ff",
        b"+",
        b" ",
        b"\xff",
        b"userkey=",
        b"1",
    ]
    many = dice.choice([3, 30, 3000])
    context = b"".join(dice.choice(alphabet) for _ in range(many)).strip()
    if dice.random() < 0.3:
        context = b"userkey=" + dice.choice([b"1", b"@", b"a.", b"1-"]) * 20_000
    if dice.random() < 0.5:
        return request(b"GET", b"/features?apiKey=" + SERVER_PATH, b"x-featurehub: " + context)
    query = context.replace(b" ", b"+").replace(b"\xff", b"%ff")
    return request(b"GET", b"/features/" + SERVER_PATH + b"?xfeaturehub=" + query)


def _endless(dice: Random) -> bytes:
    start = dice.choice([b"", b"GET /", b"GET /features?", b"GET / HTTP/1.1\r\nx: ", *REQUESTS])
    return start[: dice.randint(0, len(start))] + dice.choice([b"a", b"\r\n", b"a: b\r\n"]) * 30_000


def _pipelined(dice: Random) -> bytes:
    return b"".join(dice.choice(REQUESTS) for _ in range(dice.randint(2, 12)))


def _untouched(dice: Random) -> bytes:
    return dice.choice(REQUESTS)


_KINDS: Sequence[tuple[Callable[[Random], bytes], int]] = (
    (_mutated, 12),
    (_spliced, 4),
    (_of_tokens, 2),
    (_noise, 2),
    (_with_a_context, 3),
    (_endless, 1),
    (_pipelined, 2),
    (_untouched, 2),
)


def hostile_bytes(dice: Random) -> bytes:
    """Return what one client sends in one go; sometimes it begins well."""
    kinds, weights = zip(*_KINDS, strict=True)
    [kind] = dice.choices(kinds, weights)
    before = dice.choice([b"", b"", dice.choice(POLLS)])
    return before + kind(dice)


def in_pieces(data: bytes, dice: Random) -> list[bytes]:
    """Cut `data` at a few places, or at many."""
    count = min(len(data), dice.choice([0, 0, 1, 2, 5, 40]))
    places = sorted(dice.sample(range(1, len(data) + 1), count)) if count else []
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
