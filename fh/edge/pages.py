"""Pages for operators on Edge's port, where no web application stands behind it.

The same routes as everywhere (health, metrics, version), but served by the engine, so that an
Edge-only process needs no web framework.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog

from fh.edge.response import NO_STORE, Answer, refusal
from fh.errors import Unavailable
from fh.http.routing import AnyRoute, Reply, Request
from fh.http.table import BadIdentifier, BadText, Matched, NoSuchPath, RouteTable, WrongMethod
from fh.wire.http_head import RequestHead

log = structlog.get_logger()

_JSON = "application/json"


class Pages:
    """Answers requests for `routes`, which have neither bodies nor queries nor callers."""

    def __init__(self, routes: Sequence[AnyRoute]) -> None:
        assert not any(route.body or route.query or route.authenticated for route in routes)
        self._table = RouteTable(routes)

    async def answer(self, head: RequestHead) -> Answer:
        """Return the page that `head` asks for, or why there is none."""
        match self._table.match(head.method, head.raw_path.encode("latin-1")):
            case Matched(route, path):
                return await self._made(route, path)
            case WrongMethod(allowed):
                return refusal(405, "this page is read with GET", allow=", ".join(allowed))
            case NoSuchPath() | BadIdentifier() | BadText():
                return refusal(404, "no such path")

    async def _made(self, route: AnyRoute, path: Mapping[str, UUID | str]) -> Answer:
        request: Request[Any, Any, Any] = Request(None, None, None, path, "")
        try:
            found = await route.handle(request)
        except Unavailable as away:
            return refusal(503, str(away))
        except Exception:
            # A request ends here: a page that fails must not end everybody's streams.
            log.exception("page_failed", operation=route.operation_id)
            return refusal(500, "the page could not be made")
        reply = found if isinstance(found, Reply) else Reply(found)
        body = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
        headers = (
            ("content-type", reply.content_type or _JSON),
            ("cache-control", NO_STORE),
            *((name.lower(), value) for name, value in reply.headers.items()),
        )
        return Answer(reply.status or route.status, headers, body)
