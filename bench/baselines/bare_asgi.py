"""The least that an ASGI server has to do: one function that returns the same bytes.

Served by uvicorn with httptools and uvloop, one worker, no access log. The file named by the
argument holds the body. Prints `port N` and serves until stdin ends.
"""

import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import uvicorn

ETAG = b'"0123456789abcdef0123456789abcdef0"'

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
Send: TypeAlias = Callable[[dict[str, object]], Awaitable[None]]


class BareFunction:
    """The application: 200 with the body, or 304 to whoever holds it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._headers = [
            (b"content-type", b"application/json"),
            (b"etag", ETAG),
            (b"cache-control", b"no-store, max-age=0"),
        ]
        self._whole = [*self._headers, (b"content-length", b"%d" % len(body))]

    async def __call__(self, scope: Mapping[str, Headers], _receive: object, send: Send) -> None:
        """Answer one request."""
        status, headers, body = 200, self._whole, self._body
        for name, value in scope["headers"]:
            if name == b"if-none-match" and value == ETAG:
                status, headers, body = 304, self._headers, b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Print the port, then serve."""
    application = BareFunction(Path(sys.argv[1]).read_bytes())
    config = uvicorn.Config(
        application,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
    server = uvicorn.Server(config)

    def end_with_stdin() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end_with_stdin, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        print(f"port {listener.getsockname()[1]}", flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()
