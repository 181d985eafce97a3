"""Polls with `If-None-Match`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

import httpx2
import msgspec

from bench.client.context import HEADER, context_headers
from bench.client.events import Feature, Unreadable
from bench.client.held import Held
from bench.client.refused import Refused

_ANSWER_SECONDS: Final = 8.0
_TEMPORARY: Final = 500
_LAST: Final = 236
"""As 200, but for the last time: whoever polls shall stop."""


class Environment(msgspec.Struct, frozen=True):
    """One environment of a poll's answer."""

    id: str
    features: tuple[Feature, ...]


class Unavailable(Exception):
    """The server could not answer now; ask again later."""


_answer = msgspec.json.Decoder(tuple[Environment, ...])


class Poll:
    """An SDK that polls.

    Attributes:
        held: What it was told so far of each environment, by the environment's id.
        etag: What the next question shows.
        stopped: Whether the server said that it need not ask again.
    """

    def __init__(
        self, http: httpx2.AsyncClient, url: str, keys: Sequence[str], headers: Mapping[str, str]
    ) -> None:
        self.held: dict[str, Held] = {}
        self.etag = ""
        self.stopped = False
        self._http = http
        self._url = url
        context = headers.get(HEADER)
        tag = "0" if context is None else sha256(context.encode()).hexdigest()
        self._query = {"apiKey": list(keys), "contextSha": tag}
        self._headers = headers

    async def ask(self) -> tuple[Environment, ...] | None:
        """Return what the server answers, None if nothing has changed since last time.

        Raises:
            Refused: none of the keys is known, or the question is wrong.
            Unavailable: the server could not be reached, or not answer.
            Unreadable: what came is not what the protocol says.
        """
        headers = {**self._headers, **({"if-none-match": self.etag} if self.etag else {})}
        try:
            answer = await self._http.get(self._url, params=self._query, headers=headers)
        except httpx2.TransportError as error:
            raise Unavailable(repr(error)) from error
        if answer.status_code == httpx2.codes.NOT_MODIFIED:
            return None
        if answer.status_code >= _TEMPORARY:
            raise Unavailable(f"{answer.status_code}: {answer.text[:200]}")
        if answer.status_code not in {httpx2.codes.OK, _LAST}:
            raise Refused(answer.status_code, answer.text)
        try:
            environments = _answer.decode(answer.content)
        except msgspec.MsgspecError as error:
            raise Unreadable(f"{error}: {answer.text[:200]}") from error
        self.etag = answer.headers.get("etag", "")
        self.stopped = answer.status_code == _LAST
        for environment in environments:
            self.held.setdefault(environment.id, Held()).take_all(environment.features)
        return environments


@asynccontextmanager
async def open_poll(
    url: str, *keys: str, context: Mapping[str, Sequence[str]] | None = None
) -> AsyncIterator[Poll]:
    """Give a client that polls the server at `url` with one or more keys."""
    async with httpx2.AsyncClient(timeout=_ANSWER_SECONDS) as http:
        headers = {"x-sdk": "fh-bench", **context_headers(context or {})}
        yield Poll(http, f"{url.rstrip('/')}/features", keys, headers)
