"""What stands between hypercorn and an application, so that each gets only what it can take."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import trio

from fh.errors import FeatureHubError

# As ASGI declares them: dictionaries of many shapes.
Scope: TypeAlias = Any
Message: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

PIECE_BYTES = 16 * 1024


class ClientTooSlow(FeatureHubError):
    """A client took nothing for too long: its connection has to end."""


def guarded(app: AsgiApp, most_body_bytes: Callable[[Scope], int]) -> AsgiApp:
    """Return `app` with bounded request bodies, and answers that are always finished.

    `most_body_bytes` tells how long the body of a request may be.
    """

    async def asgi_app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await app(scope, bounded_receive(receive, most_body_bytes(scope)), finishing_send(send))
        else:
            await app(scope, receive, send)

    return asgi_app


def bounded_receive(receive: Receive, most_bytes: int) -> Receive:
    """Return `receive` without what a body has beyond the part that makes it longer than it may be.

    Quart keeps whatever arrives until somebody reads it; from 0.23 on it does so without a limit.
    """
    received_bytes = 0

    async def receive_within_bounds() -> Message:
        nonlocal received_bytes
        message = await receive()
        if message["type"] == "http.request":
            too_large = received_bytes > most_bytes
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


def paced(send: Send, seconds: float) -> Send:
    """Return `send` that gives a client up which takes nothing for `seconds`.

    Bodies leave in pieces: who takes a long one slowly, but takes it, is not given up. What is
    returned raises ClientTooSlow.
    """

    async def send_in_time(message: Message) -> None:
        with trio.move_on_after(seconds) as sending:
            await send(message)
        if sending.cancelled_caught:
            raise ClientTooSlow

    async def send_at_the_clients_pace(message: Message) -> None:
        body = message.get("body", b"")
        if len(body) <= PIECE_BYTES:
            await send_in_time(message)
            return
        for start in range(0, len(body), PIECE_BYTES):
            end = start + PIECE_BYTES
            more = end < len(body) or message.get("more_body", False)
            await send_in_time(message | {"body": body[start:end], "more_body": more})

    return send_at_the_clients_pace
