"""A route is a value: what a request looks like, who answers it, and with what.

Handlers see a `Request` of ours and return a value, so they know no web framework. The list of
routes is also what the OpenAPI document is made from.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from fh.errors import FeatureHubError
from fh.http.decoding import LARGEST_BODY_BYTES
from fh.http.problem import JSON

CallerT = TypeVar("CallerT")
QueryT = TypeVar("QueryT")
BodyT = TypeVar("BodyT")

_USUAL_BODY_BYTES: Final = 1024 * 1024
# Names and passwords: a thousand strangers at once hold no more than six known callers.
_STRANGERS_BODY_BYTES: Final = 64 * 1024
_PARAMETER = re.compile(r"\{(?P<name>[a-z_]+)(?P<uuid>:uuid)?\}")


@dataclass(frozen=True, slots=True)
class Request(Generic[CallerT, QueryT, BodyT]):
    """One decoded request.

    `caller` is None on routes without authentication, `query` and `body` are None on routes that
    declare none. `address` is the peer's, as the server saw it. `header` returns a header by its
    name, whatever its case; of several lines it is made one, with commas.
    """

    caller: CallerT
    query: QueryT
    body: BodyT
    path: Mapping[str, UUID | str]
    address: str
    token: str | None = field(default=None, repr=False)
    header: Callable[[str], str | None] = field(default=lambda _: None, repr=False)

    def uuid(self, name: str) -> UUID:
        """Return the path parameter declared as `{name:uuid}`."""
        value = self.path[name]
        assert isinstance(value, UUID), f"{{{name}}} is declared as text"
        return value

    def text(self, name: str) -> str:
        """Return the path parameter declared as `{name}`, percent-decoded."""
        value = self.path[name]
        assert isinstance(value, str), f"{{{name}}} is declared as a UUID"
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that differs from its route's usual one.

    `body` is encoded as JSON, except `bytes`, which are sent as they are; None sends no body.
    """

    body: object = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment of a path that varies."""

    name: str
    is_uuid: bool


@dataclass(frozen=True, slots=True)
class Route(Generic[CallerT, QueryT, BodyT]):
    """One operation.

    Attributes:
        method: The HTTP method in capitals; GET answers HEAD too.
        path: Its template: `/mr-api/application/{app_id:uuid}/features/{key}`.
        operation_id: The name that clients are generated from.
        handle: Returns the value to encode, or a `Reply`.
        body: The type of the JSON body; None where there is none.
        query: A Struct with one member per query parameter; None where there are none.
        response: The type of the answer, for the OpenAPI document.
        status: Of an ordinary answer.
        authenticated: Whether a caller must be known before anything else is looked at.
        authenticate: Tells callers by their bearer tokens; None does as the whole face does.
        refusals: Statuses that differ from those the whole face uses, by exception.
        answers: Types of the bodies that come with other statuses, where they are no problem's.
        tag: The service it belongs to in generated clients.
        carries_much: Whether what is sent may be long: values, strategies, lists of them, and what
            clients send back whole because they read it so.
        stays: Whether it is served outside of the context root, too.
    """

    method: str
    path: str
    operation_id: str
    handle: Callable[[Request[CallerT, QueryT, BodyT]], Awaitable[object]]
    tag: str
    body: type[BodyT] | None = None
    query: type[QueryT] | None = None
    response: Any = None  # a type; unions and lists of types have none in common
    status: int = 200
    authenticated: bool = True
    authenticate: Callable[[str | None], Awaitable[CallerT]] | None = None
    refusals: Mapping[type[FeatureHubError], int] = field(default_factory=dict)
    answers: Mapping[int, Any] = field(default_factory=dict)
    carries_much: bool = False
    deprecated: bool = False
    stays: bool = False

    @property
    def shape(self) -> tuple[str, str]:
        """What tells it from every other route of a face."""
        return self.method, self.path

    @property
    def most_body_bytes(self) -> int:
        """How long a body may be; one that nobody reads has no business here."""
        if self.body is None:
            return 0
        if self.carries_much:
            return LARGEST_BODY_BYTES
        return _USUAL_BODY_BYTES if self.authenticated else _STRANGERS_BODY_BYTES

    @property
    def segments(self) -> tuple[str | Parameter, ...]:
        """The template, cut at its slashes."""
        return tuple(_segment(text) for text in self.path.strip("/").split("/"))


AnyRoute: TypeAlias = Route[Any, Any, Any]
"""A route among others: each has types of its own."""


def below(root: Sequence[str], routes: Sequence[AnyRoute]) -> Sequence[AnyRoute]:
    """Return `routes` below the segments `root`, and where they were those that stay there."""
    if not root:
        return routes
    prefix = "".join(f"/{segment}" for segment in root)
    moved = [replace(route, path=prefix + route.path) for route in routes]
    return [*moved, *(route for route in routes if route.stays)]


def refuse_namesakes(routes: Iterable[AnyRoute]) -> None:
    """Do nothing where each operation ID names one operation, however often that is mounted.

    Clients, metrics and the OpenAPI document know operations by nothing else.
    """
    named: dict[str, AnyRoute] = {}
    for route in routes:
        known = named.setdefault(route.operation_id, route)
        assert (known.method, known.handle) == (route.method, route.handle), (
            f"{route.operation_id} is both {known.method} {known.path} "
            f"and {route.method} {route.path}"
        )


def _segment(text: str) -> str | Parameter:
    if found := _PARAMETER.fullmatch(text):
        return Parameter(found["name"], is_uuid=found["uuid"] is not None)
    assert "{" not in text, f"{text!r} mixes fixed text and a parameter"
    return text
