"""What has to stand between hypercorn and quart, so that each gets only what it can deal with."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import trio

from fh.http.decoding import LARGEST_BODY_BYTES

# As ASGI declares them: dictionaries of many shapes.
Message: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Any, Receive, Send], Awaitable[None]]


def guarded(app: AsgiApp) -> AsgiApp:
    """Return `app` with bounded request bodies, and answers that are always finished."""

    async def asgi_app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await app(scope, bounded_receive(receive), finishing_send(send))
        else:
            await app(scope, receive, send)

    return asgi_app


def bounded_receive(receive: Receive) -> Receive:
    """Return `receive` without what a body has beyond the part that shows it is too large.

    Quart keeps whatever arrives until somebody reads it; from 0.23 on it does so without a limit.
    """
    received_bytes = 0

    async def receive_within_bounds() -> Message:
        nonlocal received_bytes
        message = await receive()
        if message["type"] == "http.request":
            too_large = received_bytes > LARGEST_BODY_BYTES
            received_bytes += len(message.get("body", b""))
            if too_large:
                return message | {"body": b""}
        return message

    return receive_within_bounds


def finishing_send(send: Send) -> Send:
    """Return `send` whose last message can't be cancelled.

    With the last message hypercorn closes a connection that is not kept alive. On its way it tells
    quart that the client is gone, whereupon quart cancels the very task that is closing: without
    this the socket would stay open for as long as the client likes.
    """

    async def send_to_the_end(message: Message) -> None:
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        with trio.CancelScope(shield=last):
            await send(message)

    return send_to_the_end
