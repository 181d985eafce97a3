"""Reading request bodies without ever holding more than the largest one allowed."""

from typing import Final

import trio
from quart.wrappers import Request

from fh.http.decoding import LARGEST_BODY_BYTES
from fh.http.problem import Problem

_SLOWEST_BODY_SECONDS: Final = 60


async def read_body(request: Request) -> bytes:
    """Return the whole body.

    Raises:
        Problem: 413, it is too large, which is known before it has ended; 408, it did not arrive
            in time.
        RequestEntityTooLarge: its announced length is too large.
    """
    body = bytearray()
    with trio.move_on_after(_SLOWEST_BODY_SECONDS):
        async for part in request.body:
            body += part
            if len(body) > LARGEST_BODY_BYTES:
                raise Problem(413, f"A body may have {LARGEST_BODY_BYTES} bytes.")
        return bytes(body)
    raise Problem(408, "The body did not arrive in time.")
