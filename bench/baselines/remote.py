"""A server that runs already: any that speaks FeatureHub's protocol, by URL and key.

Events are published through its own test API, so a figure includes everything between that
write and the stream, and the key needs the permission to change values.
"""

import http.client
import json
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from bench.load.bounds import require_local
from bench.load.marker import padded_value

_WRITE_SECONDS = 10
_TAKEN = (200, 201)


class WriteRefused(Exception):
    """The server did not take a value."""


class RemoteServer:
    """A server by its URL, such as `http://127.0.0.1:8085`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        feature_key: str = "",
        value_bytes: int = 0,
        pid: int | None = None,
        allow_remote: bool = False,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise WriteRefused(f"{url} is no http:// address with a host")
        self.name = "url"
        self.host = parts.hostname
        self.port = parts.port or 80
        self.path = f"{parts.path.rstrip('/')}/features/{key}"
        self.ready_mark = "event: features"
        self.pids: tuple[int, ...] = () if pid is None else (pid,)
        self.user_keys = False
        # The feature may carry the marker of an earlier run: wall seconds only ever grow.
        self.first_number = int(time.time())
        self._feature_key = feature_key
        self._value_bytes = value_bytes
        require_local(self.host, self.port, allow_remote=allow_remote)

    def prepare(self, number: int) -> None:
        """Do nothing: a write is made when it is sent."""

    def publish(self, number: int) -> int:
        """Write the value of event `number`; return the instant before, in monotonic ns.

        Raises:
            WriteRefused: the server answered anything but 200 or 201.
        """
        value = padded_value(number, self._value_bytes)
        instant_ns = time.monotonic_ns()
        self._put({"lock": False, "updateValue": True, "value": value})
        return instant_ns

    def complaints(self) -> str:
        """Return nothing: its log is not ours."""
        return ""

    def _put(self, body: Mapping[str, object]) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_WRITE_SECONDS)
        try:
            connection.request(
                "PUT",
                f"{self.path}/{self._feature_key}",
                json.dumps(body),
                {"Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status not in _TAKEN:
            raise WriteRefused(f"the server answered {answer.status} to a value: {text[:200]}")
