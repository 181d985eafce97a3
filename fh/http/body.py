"""Reading request bodies: never more than allowed, and never so that others wait for a long one."""

from typing import Final, TypeVar

import trio
from quart.wrappers import Request

from fh.http.decoding import BodyDecoder
from fh.http.problem import Problem

T = TypeVar("T")

_SLOWEST_BODY_SECONDS: Final = 60
_LONG_BODY_BYTES: Final = 256 * 1024


async def read_body(request: Request, most_bytes: int) -> bytes:
    """Return the whole body.

    Raises:
        Problem: 413, it is longer than `most_bytes`, which is known before it has ended, and where
            its length was announced before it has begun; 408, it did not arrive in time.
    """
    if (request.content_length or 0) > most_bytes:
        raise too_large(most_bytes)
    body = bytearray()
    with trio.move_on_after(_SLOWEST_BODY_SECONDS):
        async for part in request.body:
            body += part
            if len(body) > most_bytes:
                raise too_large(most_bytes)
        return bytes(body)
    raise Problem(408, "The body did not arrive in time.")


async def decode_body(decoder: BodyDecoder[T], body: bytes, threads: trio.CapacityLimiter) -> T:
    """Return the value that `body` holds; a long one is decoded while others are served.

    Raises:
        Problem: 400, it is no JSON, or not of the type.
    """
    if len(body) <= _LONG_BODY_BYTES:
        return decoder.decode(body)
    # Whoever gave up does not wait for a value that nobody wants; its thread ends by itself.
    return await trio.to_thread.run_sync(
        decoder.decode, body, limiter=threads, abandon_on_cancel=True
    )


def too_large(most_bytes: int) -> Problem:
    """Return the refusal of a body that is longer than `most_bytes`."""
    return Problem(413, f"A body may have {most_bytes} bytes here.")
