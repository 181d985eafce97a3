"""Routes served by quart-trio.

Our own table decides about our paths, in front of quart's routing: it sees paths before they are
percent-decoded. What it does not know falls through to whatever else was registered with quart.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, assert_never
from urllib.parse import quote

import msgspec
import structlog
import trio
from quart import request as quart_request
from quart.wrappers import Response
from quart.wrappers.base import BaseRequestWebsocket
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import MapAdapter

from fh.errors import FeatureHubError, Unavailable
from fh.http.asgi import Scope, guarded
from fh.http.bearer import bearer_token
from fh.http.body import decode_body, read_body, too_large
from fh.http.cors import Cors
from fh.http.decoding import LARGEST_BODY_BYTES, BodyDecoder, QueryDecoder
from fh.http.idempotency import HEADER, METHODS, AnswerMemory, KeptAnswer, attempt_of
from fh.http.metrics import HttpMetrics
from fh.http.problem import Problem, problem_of
from fh.http.routing import AnyRoute, Reply, Request, refuse_namesakes
from fh.http.table import BadIdentifier, BadText, Matched, NoSuchPath, RouteTable, WrongMethod

log = structlog.get_logger()

WebApp: TypeAlias = QuartTrio
"""A web application, for those that only pass it on."""

CallerT = TypeVar("CallerT")

_RETRY_AFTER_SECONDS = 1
_TELL_AGAIN_SECONDS = 60.0
_LONG_BODIES_AT_ONCE = 2
_BELIEVED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Face(Generic[CallerT]):
    """Everything that makes up one HTTP face.

    Attributes:
        routes: All operations.
        authenticate: Turns the bearer token, or its absence, into a caller, or raises.
        refusals: The status of each refusal, where a route says nothing else; the nearest base
            class counts.
        get_cache_control: The header of GET answers that carry none; None sends none.
        answers: Keeps what was answered to writes with an `Idempotency-Key`; without it the header
            means nothing.
    """

    routes: Sequence[AnyRoute]
    authenticate: Callable[[str | None], Awaitable[CallerT]]
    refusals: Mapping[type[FeatureHubError], int]
    metrics: HttpMetrics
    cors: Cors
    get_cache_control: str | None = "no-store, max-age=0"
    answers: AnswerMemory | None = None


def create_app(face: Face[Any]) -> QuartTrio:
    """Return a web application that serves `face`."""
    app = _Web("fh.http", static_folder=None)
    serving = _Serving(face)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
    # How quart wants middleware to be put around it.
    app.asgi_app = guarded(app.asgi_app, serving.most_body_bytes)  # type: ignore[method-assign, assignment]
    app.before_request(serving.answer)
    app.after_request(serving.finish)
    # quart's own refusals: the framework's 404 and 405, a body that never came.
    app.register_error_handler(HTTPException, _framework_refusal)
    return app


class _Web(QuartTrio):
    """Quart with one of its hooks changed: no route depends on the Host header or the query.

    The original feeds both to its router, which ends the request with an exception, instead of an
    answer, where they are malformed.
    """

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        if request is None:
            return super().create_url_adapter(request)
        return self.url_map.bind(
            "localhost",
            script_name=request.root_path,
            url_scheme=request.scheme,
            default_method=request.method,
            path_info=request.path,
        )


class _Serving:
    """Answers requests to one face.

    Of its own it holds prepared decoders, and when it told of each operation that it is away.
    """

    def __init__(self, face: Face[Any]) -> None:
        refuse_namesakes(face.routes)
        self._face = face
        self._threads = trio.CapacityLimiter(_LONG_BODIES_AT_ONCE)
        self._table = RouteTable(face.routes)
        self._away_told_at: dict[str, float] = {}
        self._bodies = {route.shape: BodyDecoder(route.body) for route in face.routes if route.body}
        self._queries = {
            route.shape: QueryDecoder(route.query) for route in face.routes if route.query
        }

    async def answer(self) -> Response | None:
        """Return the answer to quart's current request, or None when the path is not ours."""
        self._face.metrics.received()
        if quart_request.method == "OPTIONS" and "Origin" in quart_request.headers:
            return Response(b"", 200, dict(self._face.cors.preflight()))
        match self._table.match(quart_request.method, _raw_path(quart_request.scope)):
            case Matched(route, path):
                return await self._timed(route, path)
            case WrongMethod(allowed):
                return _refused(Problem(405, headers={"Allow": ", ".join(allowed)}))
            case BadIdentifier(route):
                return await self._timed(route, None)
            case BadText():
                return _refused(Problem(400, "The path is not UTF-8 text."))
            case NoSuchPath():
                return None
            case unexpected:
                assert_never(unexpected)

    def most_body_bytes(self, scope: Scope) -> int:
        """Return how long the body of a request may be."""
        match self._table.match(scope["method"], _raw_path(scope)):
            case Matched(route) | BadIdentifier(route):
                return route.most_body_bytes
            case WrongMethod() | BadText():
                return 0
            case NoSuchPath():
                return LARGEST_BODY_BYTES  # somebody else's
            case unexpected:
                assert_never(unexpected)

    async def finish(self, response: Response) -> Response:
        """Add the headers that every answer has, and count it."""
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        if "Origin" in quart_request.headers:
            headers.update(self._face.cors.answer())
        if (
            quart_request.method == "GET"
            and self._face.get_cache_control is not None
            and "Cache-Control" not in headers
        ):
            headers["Cache-Control"] = self._face.get_cache_control
        self._face.metrics.answered(response.status_code)
        return response

    async def _timed(self, route: AnyRoute, path: Mapping[str, Any] | None) -> Response:
        began = trio.current_time()
        try:
            return await self._answered(route, self._handled(route, path))
        finally:
            self._face.metrics.took(route.operation_id, trio.current_time() - began)

    async def _answered(self, route: AnyRoute, outcome: Awaitable[object]) -> Response:
        """Return the answer that a handler's outcome is, whatever it is."""
        try:
            return _encoded(route, await outcome)
        except Problem as problem:
            return _refused(problem)
        except RequestEntityTooLarge:
            return _refused(too_large(route.most_body_bytes))
        except HTTPException:
            raise  # quart's word about the request, such as a body that never came
        except FeatureHubError as refusal:
            if (known := self._problem(route, refusal)) is not None:
                return _refused(known)
            return _failed(route, refusal)
        except Exception as bug:  # noqa: BLE001 -- a request ends here, not the server
            return _failed(route, bug)

    async def _handled(self, route: AnyRoute, path: Mapping[str, Any] | None) -> object:
        token = bearer_token(quart_request.headers.get("Authorization"))
        # Before the body is even read: strangers cost as little as possible.
        authenticate = route.authenticate or self._face.authenticate
        caller = await authenticate(token) if route.authenticated else None
        if path is None:
            raise Problem(404)
        query = self._queries.get(route.shape)
        decoder = self._bodies.get(route.shape)
        believed_until = trio.current_time() + _BELIEVED_SECONDS
        body = await read_body(quart_request, route.most_body_bytes) if decoder else b""
        asked = query.decode(quart_request.query_string) if query else None
        sent = await decode_body(decoder, body, self._threads) if decoder else None
        if route.authenticated and trio.current_time() >= believed_until:
            # Whoever holds a body back must not act on rights that they lost meanwhile.
            caller = await authenticate(token)
        request: Request[Any, Any, Any] = Request(
            caller=caller,
            query=asked,
            body=sent,
            path=path,
            address=_peer(),
            token=token,
            header=_header,
        )
        key = _header(HEADER)
        if key is None or token is None or caller is None or route.method not in METHODS:
            return await route.handle(request)
        return await self._handled_once(route, request, key, body)

    async def _handled_once(
        self, route: AnyRoute, request: Request[Any, Any, Any], key: str, body: bytes
    ) -> object:
        if self._face.answers is None:
            return await route.handle(request)
        assert request.token is not None, "without one there would be no caller"
        attempt = attempt_of(
            key,
            caller=request.caller,
            token=request.token,
            method=route.method,
            target=_raw_path(quart_request.scope) + b"?" + quart_request.query_string,
            body=body,
        )

        async def answer() -> KeptAnswer:
            return await _kept(await self._answered(route, route.handle(request)))

        kept = await self._face.answers.once(attempt, answer)
        return Reply(
            kept.body if kept.content_type else None,
            kept.status,
            kept.headers,
            kept.content_type,
        )

    def _problem(self, route: AnyRoute, refusal: FeatureHubError) -> Problem | None:
        for statuses in (route.refusals, self._face.refusals):
            for kind in type(refusal).__mro__:
                if (status := statuses.get(kind)) is not None:
                    if refusal.told is not None:
                        log.warning(
                            "refusal_reworded", operation_id=route.operation_id, reason=str(refusal)
                        )
                    return problem_of(refusal, status)
        if isinstance(refusal, Unavailable):
            self._note_away(route.operation_id, str(refusal))
            return Problem(
                503,
                "The service is away for the moment.",
                headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
            )
        return None

    def _note_away(self, operation_id: str, reason: str) -> None:
        """Warn of it, but not for each of those who ask again and again while it lasts."""
        now = trio.current_time()
        told_at = self._away_told_at.get(operation_id)
        is_news = told_at is None or now - told_at >= _TELL_AGAIN_SECONDS
        if is_news:
            self._away_told_at[operation_id] = now
        tell = log.warning if is_news else log.debug
        tell("request_unavailable", operation_id=operation_id, reason=reason)


def _encoded(route: AnyRoute, value: object) -> Response:
    reply = value if isinstance(value, Reply) else Reply(value)
    status = route.status if reply.status is None else reply.status
    match reply.body:
        case None:
            response = Response(b"", status)
            del response.headers["Content-Type"]
        case bytes(body):
            response = Response(body, status, content_type=reply.content_type)
        case body:
            response = Response(msgspec.json.encode(body), status, content_type=reply.content_type)
    response.headers.update(reply.headers)
    return response


async def _kept(response: Response) -> KeptAnswer:
    headers = {"Retry-After": seconds} if (seconds := response.headers.get("Retry-After")) else {}
    body = await response.get_data(as_text=False)
    return KeptAnswer(response.status_code, response.content_type or "", body, headers)


def _refused(problem: Problem) -> Response:
    return Response(
        problem.encode(), problem.status, dict(problem.headers), content_type=problem.content_type
    )


def _failed(route: AnyRoute, bug: Exception) -> Response:
    log.error("request_failed", operation_id=route.operation_id, exc_info=bug)
    return _refused(Problem(500))


async def _framework_refusal(refusal: HTTPException) -> Response:
    return _refused(Problem(refusal.code or 500))


def _raw_path(scope: Scope) -> bytes:
    raw = scope.get("raw_path")
    if not raw or not raw.startswith(b"/"):  # optional in ASGI; absolute in requests to a proxy
        return quote(scope["path"]).encode()
    path: bytes = raw.partition(b"?")[0]
    return path


def _header(name: str) -> str | None:
    """Return a header; several lines of one name mean what they mean as a list, joined.

    Source: section 5.3 of RFC 9110.
    """
    lines = quart_request.headers.getlist(name)
    return ", ".join(lines) if lines else None


def _peer() -> str:
    client = quart_request.scope.get("client")
    return client[0] if client else ""
