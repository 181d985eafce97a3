"""Pages for operators on Edge's port, where no web application stands behind it.

The same routes as everywhere (health, metrics, version, what operators do), but served by the
engine, so that an Edge-only process needs no web framework.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import structlog

from fh.edge.response import NO_STORE, Answer, refusal
from fh.errors import Unavailable
from fh.http.bearer import bearer_token
from fh.http.decoding import BodyDecoder, QueryDecoder
from fh.http.problem import Problem
from fh.http.routing import AnyRoute, Reply, Request, refuse_namesakes
from fh.http.table import BadIdentifier, BadText, Matched, NoSuchPath, RouteTable, WrongMethod
from fh.wire.http_head import RequestHead

log = structlog.get_logger()

_JSON = "application/json"

Authenticate: TypeAlias = Callable[[str | None], Awaitable[object]]


class Pages:
    """Answers requests for `routes`.

    `authenticate` turns a bearer token, or its absence, into a caller, or raises; without it no
    route may ask for one.
    """

    def __init__(
        self, routes: Sequence[AnyRoute], authenticate: Authenticate | None = None
    ) -> None:
        assert authenticate is not None or not any(route.authenticated for route in routes)
        refuse_namesakes(routes)
        self._table = RouteTable(routes)
        self._authenticate = authenticate
        self._bodies = {each.shape: BodyDecoder(each.body) for each in routes if each.body}
        self._queries = {each.shape: QueryDecoder(each.query) for each in routes if each.query}

    def takes_body(self, head: RequestHead) -> bool:
        """Return whether what `head` asks for goes by the body that comes with it."""
        match self._table.match(head.method, head.raw_path.encode("latin-1")):
            case Matched(route):
                return route.body is not None and head.has_body
            case _:
                return False

    async def answer(self, head: RequestHead, body: bytes = b"") -> Answer:
        """Return the page that `head` and `body` ask for, or why there is none."""
        match self._table.match(head.method, head.raw_path.encode("latin-1")):
            case Matched(route, path):
                return await self._made(route, path, head, body)
            case WrongMethod(allowed):
                return refusal(405, "this page has other methods", allow=", ".join(allowed))
            case NoSuchPath() | BadIdentifier() | BadText():
                return refusal(404, "no such path")

    async def _made(
        self, route: AnyRoute, path: Mapping[str, UUID | str], head: RequestHead, body: bytes
    ) -> Answer:
        try:
            found = await route.handle(await self._request(route, path, head, body))
        except Problem as problem:
            headers = {"content-type": problem.content_type, **problem.headers}
            return _answer(problem.status, headers, problem.encode())
        except Unavailable as away:
            return refusal(503, str(away))
        except Exception:
            # A request ends here: a page that fails must not end everybody's streams.
            log.exception("page_failed", operation=route.operation_id)
            return refusal(500, "the page could not be made")
        reply = found if isinstance(found, Reply) else Reply(found)
        if reply.body is None:
            return Answer(reply.status or route.status, (("cache-control", NO_STORE),), b"")
        content = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
        headers = {"content-type": reply.content_type or _JSON, **reply.headers}
        return _answer(reply.status or route.status, headers, content)

    async def _request(
        self, route: AnyRoute, path: Mapping[str, UUID | str], head: RequestHead, body: bytes
    ) -> Request[Any, Any, Any]:
        caller: object = None
        if route.authenticated and self._authenticate is not None:
            caller = await self._authenticate(bearer_token(head.header("authorization")))
        query = self._queries.get(route.shape)
        decoder = self._bodies.get(route.shape)
        return Request(
            caller=caller,
            query=query.decode(head.query.encode("latin-1")) if query else None,
            body=decoder.decode(body) if decoder else None,
            path=path,
            address="",
        )


def _answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    lines = tuple((name.lower(), value) for name, value in headers.items())
    return Answer(status, (*lines, ("cache-control", NO_STORE)), body)
