"""An HTTP answer as it arrives: its status, and its body piece by piece.

A library would do, but those there are leave an answer that is not read to its end to the garbage
collector, which trio rightly complains of. A stream is never read to its end.
"""

import httptools

from bench.client.events import Unreadable


class Answer:
    """Feed it bytes; take the pieces of the body that they held.

    Attributes:
        status: 0 until the head has arrived.
        complete: Whether the body has ended.
    """

    def __init__(self) -> None:
        self.status = 0
        self.complete = False
        self._pieces: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bytes:
        """Return what of the body `data` held.

        Raises:
            Unreadable: this is no HTTP.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise Unreadable(f"{error}: {data[:200]!r}") from error
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body

    def on_headers_complete(self) -> None:
        """See httptools."""
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        self.complete = True
