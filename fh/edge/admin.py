"""What operators ask and do: who has streams, drain, kick, pause. Routes for their port alone.

Nothing here looks final to a client: it is told to come back, and that it may.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Protocol
from uuid import UUID

import structlog
from msgspec import Meta, Struct

from fh.edge.census import By, Census, Counted, Laggard, Wanted
from fh.edge.dismissal import Dismissal
from fh.edge.orders import Orders, Whom
from fh.http.problem import Problem
from fh.http.routing import AnyRoute, Reply, Request, Route
from fh.http.table import parse_uuid
from fh.model.ids import EnvironmentId, ServiceAccountId
from fh.model.sdk_key import SdkKey
from fh.wire.sdk_key import MalformedKey, parse_key

log = structlog.get_logger()

_MOST_PAUSES: Final = 1000
_PAUSED_OVER_SECONDS: Final = 1.0
_NUMBER: Final = re.compile("[0-9]{1,9}")
_NOTHING: Final = Reply(None, status=204)

Seconds = Annotated[float, Meta(ge=0, le=86_400)]
SomeSeconds = Annotated[float, Meta(ge=1, le=86_400)]


class Edges(Protocol):
    """Every Edge behind a port: that of this process, and those of its workers."""

    @property
    def orders(self) -> Orders:
        """What operators want of all of them; whoever changes it calls `obey`."""

    def obey(self) -> None:
        """Have all of them go by the orders."""

    async def census(self, wanted: Wanted) -> tuple[Census, Sequence[str]]:
        """Return who has streams, and which processes did not say in time."""

    async def dismiss(self, dismissal: Dismissal) -> tuple[int, Sequence[str]]:
        """Say goodbye to streams; return to how many, and which processes did not say."""


class StreamsQuery(Struct, frozen=True):
    """Which streams, counted by what, and which part of the list."""

    by: By = By.ENVIRONMENT
    environment: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0


class DrainBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Over how many seconds the streams leave."""

    seconds: Seconds = 30.0


class KickBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which share of the streams leaves, over how many seconds."""

    share: Annotated[float, Meta(gt=0, le=1)]
    environment: UUID | None = None
    seconds: Seconds = 0.0


class PauseBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is put off, a key or a service account's id, and for how many seconds."""

    key: str
    seconds: SomeSeconds


class StreamsPage(Struct, frozen=True):
    """The answer about streams; `next` is the offset of what follows, None at the end."""

    by: By
    streams: int
    behind: int
    waiting: int
    total: int
    left_out: int
    next: int | None
    groups: list[dict[str, Any]]
    slowest: list[dict[str, Any]]
    silent: Sequence[str]


class Done(Struct, frozen=True, omit_defaults=True):
    """The answer to an action: to how many streams goodbye is said, and who did not hear of it."""

    streams: int
    silent: Sequence[str]
    id: int | None = None


class DrainState(Struct, frozen=True):
    """Whether Edge drains."""

    draining: bool


class PauseState(Struct, frozen=True):
    """A pause in force; `key` is masked, or the id of a service account."""

    id: int
    key: str
    seconds: float


def admin_routes(edges: Edges) -> Sequence[AnyRoute]:
    """Return the routes; their callers are names of admin keys."""
    admin = _Admin(edges)
    drain, pause = "/admin/edge/drain", "/admin/edge/pause"
    return [
        _route("GET", "/admin/edge/streams", "edgeStreams", admin.streams, query=StreamsQuery),
        _route("GET", drain, "edgeDraining", admin.draining),
        _route("POST", drain, "edgeDrain", admin.drain, body=DrainBody),
        _route("DELETE", drain, "edgeTakeBack", admin.take_back),
        _route("POST", "/admin/edge/kick", "edgeKick", admin.kick, body=KickBody),
        _route("GET", pause, "edgePauses", admin.pauses),
        _route("POST", pause, "edgePause", admin.pause, body=PauseBody),
        _route("DELETE", pause + "/{id}", "edgeResume", admin.resume),
    ]


def _route(method: str, path: str, name: str, handle: Any, **rest: Any) -> AnyRoute:
    # Which types go together is for the handlers below to say.
    return Route(method, path, name, handle, tag="Operators", stays=True, **rest)


class _Admin:
    """The handlers."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges

    async def streams(self, request: Request[str, StreamsQuery, None]) -> StreamsPage:
        query = request.query
        environment_id = None if query.environment is None else EnvironmentId(query.environment)
        census, silent = await self._edges.census(Wanted(query.by, environment_id))
        end = query.offset + query.limit
        return StreamsPage(
            by=query.by,
            streams=census.streams,
            behind=census.behind,
            waiting=census.waiting,
            total=len(census.groups),
            left_out=census.left_out,
            next=end if end < len(census.groups) else None,
            groups=[_shown(each) for each in census.groups[query.offset : end]],
            slowest=[_shown_laggard(each) for each in census.laggards],
            silent=silent,
        )

    async def draining(self, _: Request[str, None, None]) -> DrainState:
        return DrainState(self._edges.orders.draining)

    async def drain(self, request: Request[str, None, DrainBody]) -> Done:
        self._edges.orders.draining = True
        self._edges.obey()
        seconds = request.body.seconds
        done = await self._dismissed(Dismissal(seconds=seconds, while_draining=True))
        _note(request, "drain", done, seconds=seconds)
        return done

    async def take_back(self, request: Request[str, None, None]) -> Reply:
        self._edges.orders.draining = False
        self._edges.obey()
        log.info("operator_acted", action="drain_ended", by=request.caller)
        return _NOTHING

    async def kick(self, request: Request[str, None, KickBody]) -> Done:
        body = request.body
        environment_id = None if body.environment is None else EnvironmentId(body.environment)
        done = await self._dismissed(Dismissal(body.share, body.seconds, environment_id))
        _note(
            request,
            "kick",
            done,
            share=body.share,
            seconds=body.seconds,
            environment_id=None if environment_id is None else str(environment_id),
        )
        return done

    async def pauses(self, _: Request[str, None, None]) -> list[PauseState]:
        return [
            PauseState(number, _name(whom), round(seconds, 1))
            for number, (whom, seconds) in self._edges.orders.pauses().items()
        ]

    async def pause(self, request: Request[str, None, PauseBody]) -> Done:
        whom = _whom(request.body.key)
        orders, seconds = self._edges.orders, request.body.seconds
        if len(orders.pauses()) >= _MOST_PAUSES:
            raise Problem(409, f"{_MOST_PAUSES} pauses are in force: end one, or wait.")
        number = orders.pause(whom, seconds)
        self._edges.obey()
        done = await self._dismissed(Dismissal(seconds=_PAUSED_OVER_SECONDS, whom=whom))
        _note(request, "pause", done, key=_name(whom), seconds=seconds)
        return Done(done.streams, done.silent, number)

    async def resume(self, request: Request[str, None, None]) -> Reply:
        text = request.text("id")
        whom = self._edges.orders.resume(int(text)) if _NUMBER.fullmatch(text) else None
        if whom is None:
            raise Problem(404, "No pause with this id is in force.")
        self._edges.obey()
        log.info("operator_acted", action="pause_ended", by=request.caller, key=_name(whom))
        return _NOTHING

    async def _dismissed(self, dismissal: Dismissal) -> Done:
        return Done(*await self._edges.dismiss(dismissal))


def _note(request: Request[str, Any, Any], action: str, done: Done, **what: object) -> None:
    log.info(
        "operator_acted",
        action=action,
        by=request.caller,
        streams=done.streams,
        silent=list(done.silent),
        **what,
    )


def _whom(text: str) -> Whom:
    """Return whose key or id `text` is.

    Raises:
        Problem: 400, it is neither.
    """
    if (account_id := parse_uuid(text)) is not None:
        return ServiceAccountId(account_id)
    try:
        return parse_key(text)
    except MalformedKey as malformed:
        raise Problem(
            400,
            f"Expected {{environmentId}}/{{key}} or the id of a service account: {malformed}.",
            field="key",
        ) from malformed


def _name(whom: Whom) -> str:
    return whom.masked if isinstance(whom, SdkKey) else str(whom)


def _shown(counted: Counted) -> dict[str, Any]:
    group = counted.group
    found: dict[str, Any] = {}
    if group.environment_id is not None:
        found["environment"] = group.environment_id
    if group.key is not None:
        found |= {"key": group.key.masked, "account": group.account_id}
    if group.sdk is not None:
        found |= {"sdk": group.sdk.name, "version": group.sdk.version}
    return {**found, "streams": counted.streams, "behind": counted.behind}


def _shown_laggard(laggard: Laggard) -> dict[str, Any]:
    return {
        "key": laggard.key.masked,
        "sdk": laggard.sdk.name,
        "version": laggard.sdk.version,
        "waiting_bytes": laggard.backlog.waiting_bytes,
        "seconds": round(laggard.backlog.seconds, 1),
    }
