"""Requests whose answer depends on their body: it is read whole, or refused."""

from collections.abc import Callable
from typing import Protocol

from fh.edge.connection import Connection
from fh.edge.engine import Engine
from fh.edge.intake import AwaitedBody
from fh.edge.response import Answer, refusal
from fh.wire.http_body import BodyTooLarge, MalformedBody, RequestBody
from fh.wire.http_head import RequestHead


class OnBody(Protocol):
    """Receives a body, and whether the connection has to end with the answer."""

    def __call__(self, content: bytes, /, *, closes: bool) -> None:
        """Hear that the body is there."""


def await_body(
    engine: Engine,
    connection: Connection,
    data: bytes,
    head: RequestHead,
    on_body: OnBody,
    on_refused: Callable[[Answer], None],
) -> None:
    """Read the body of `head`, which was parsed from `data`; call one of the two."""
    try:
        body = RequestBody(data, head)
    except MalformedBody as error:
        on_refused(refusal(400, str(error)))
        return
    except BodyTooLarge:
        on_refused(refusal(413, "the body is too large"))
        return
    closes = not head.keep_alive or body.open_ended
    engine.await_body(
        connection,
        AwaitedBody(body, lambda content: on_body(content, closes=closes)),
        expects_continue=(head.header("expect") or "").lower() == "100-continue",
    )
