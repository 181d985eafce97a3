"""The OpenAPI document of a face, made from its route tables and from nothing else.

What every operation has in common follows from its route: 401 where a caller must be known, 400 and
413 where a body is read, 404 where an identifier stands in the path. What it refuses besides, a
`Contract` says, and also which member of one answer is a parameter of another operation.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec

from fh.http.openapi_schemas import Schema, Schemas, describe
from fh.http.problem import JSON, ProblemBody
from fh.http.routing import AnyRoute, Parameter, Reply, Request, Route

OPENAPI_VERSION: Final = "3.1.0"

_BEARER: Final = "bearer"
_TEXT: Final = "text/plain"
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MEANINGS: Final[Mapping[int, str]] = {
    400: "The request can't be understood; `field` names the member that is to blame.",
    401: "The token is missing, unknown, or its owner must change the password first.",
    403: "The caller may not do this.",
    404: "There is no such thing, or none that the caller may know of.",
    408: "The body did not arrive in time.",
    409: "It contradicts what is there: a name is taken, a version is old, a value is locked.",
    412: "A precondition does not hold: a list names something twice, or a version is old.",
    413: "The body is too large.",
    422: "It can be understood, but not carried out.",
    429: "Too many attempts; `Retry-After` says how long to wait.",
    500: "A defect.",
    503: "The service is away for the moment; `Retry-After` says how long to wait.",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A member of one operation's answer that is a parameter of another one.

    `member` is a JSON pointer into the body, such as `/id`.
    """

    source: str
    member: str
    target: str
    parameter: str


@dataclass(frozen=True, slots=True)
class Contract:
    """What a document says that routes don't.

    Attributes:
        title: The name of the API.
        version: Of the program.
        description: For its reader.
        root: The path below which everything is; empty for none.
        refused: The statuses that an operation refuses with, beside those that follow from its
            route; by operation ID.
        plain: The statuses whose body is text, beside 401; by operation ID.
        links: Which answers lead to which operations.
        write_headers: Parameters of every POST and PUT of known callers, beside its own.
    """

    title: str
    version: str
    description: str
    root: str = ""
    refused: Mapping[str, Sequence[int]] = field(default_factory=dict)
    plain: Mapping[str, Sequence[int]] = field(default_factory=dict)
    links: Sequence[Link] = ()
    write_headers: Sequence[Schema] = ()


def openapi_document(routes: Sequence[AnyRoute], contract: Contract) -> Schema:
    """Return the document, ready to be encoded as JSON."""
    schemas = describe(
        (route.body for route in routes if route.body is not None),
        [ProblemBody, *(answer for route in routes for answer in _answers(route).values())],
        (route.query for route in routes if route.query is not None),
    )
    paths: dict[str, dict[str, Schema]] = {}
    for route in routes:
        operations = paths.setdefault(_path(route), {})
        operations[route.method.lower()] = _operation(route, schemas, contract)
    _add_links(paths, contract.links)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": contract.title,
            "version": contract.version,
            "description": contract.description,
        },
        "servers": [{"url": contract.root or "/"}],
        "tags": [{"name": tag} for tag in sorted({route.tag for route in routes})],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "securitySchemes": {_BEARER: {"type": "http", "scheme": "bearer"}},
        },
    }


def openapi_routes(document: Callable[[], Schema]) -> Sequence[AnyRoute]:
    """Return the route that shows the document, which is made when it is first asked for."""
    encoded: list[bytes] = []

    async def show(_: Request[None, None, None]) -> Reply:
        if not encoded:
            encoded.append(msgspec.json.encode(document()))
        return Reply(encoded[0])

    return [
        Route(
            "GET",
            "/openapi.json",
            "getOpenApiDocument",
            show,
            tag="Operations",
            authenticated=False,
            stays=True,
        ),
    ]


def documented_statuses(route: AnyRoute, contract: Contract) -> set[int]:
    """Return all statuses that the document lists for a route."""
    found = {route.status, *route.answers, *route.refusals.values(), 500, 503}
    found.update(contract.refused.get(route.operation_id, ()))
    parameters = [part for part in route.segments if isinstance(part, Parameter)]
    if route.authenticated:
        found.add(401)
    if parameters or route.query is not None:
        found.add(400)
    if any(parameter.is_uuid for parameter in parameters):
        found.add(404)
    if route.body is not None:
        found |= {400, 408, 413}
    if _write_headers(route, contract):
        found |= {400, 409, 422}
    return found


def _write_headers(route: AnyRoute, contract: Contract) -> Sequence[Schema]:
    writes = route.authenticated and route.method in {"POST", "PUT"}
    return contract.write_headers if writes else ()


def _operation(route: AnyRoute, schemas: Schemas, contract: Contract) -> Schema:
    operation: Schema = {
        "operationId": route.operation_id,
        "summary": _words(route.operation_id),
        "tags": [route.tag],
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(route, schemas),
            *_write_headers(route, contract),
        ],
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schemas.of(route.body)}},
        }
    operation["responses"] = {
        str(status): _response(route, status, schemas, contract)
        for status in sorted(documented_statuses(route, contract))
    }
    operation["security"] = [{_BEARER: []}] if route.authenticated else []
    if route.deprecated:
        operation["deprecated"] = True
    return operation


def _answers(route: AnyRoute) -> dict[int, Any]:
    """Return the types of a route's bodies by their statuses."""
    usual = {} if route.response is None else {route.status: route.response}
    return usual | dict(route.answers)


def _response(route: AnyRoute, status: int, schemas: Schemas, contract: Contract) -> Schema:
    answer = _answers(route).get(status)
    if status == route.status:
        if answer is None:
            return {"description": "Done; there is no body."}
        return {"description": "Done.", "content": {JSON: {"schema": schemas.of(answer)}}}
    text = {_TEXT: {"schema": {"type": "string"}}}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"description": _meaning(status), "content": text}
    schema = schemas.of(ProblemBody)
    meaning = _meaning(status)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and status not in route.refusals.values():
        meaning = f"The body is longer than {route.most_body_bytes} bytes."
    if answer is not None:
        # Also a refusal that has nothing to do with the operation may come with this status.
        schema = {"anyOf": [schemas.of(answer), schema]}
    also = text if status in contract.plain.get(route.operation_id, ()) else {}
    return {"description": meaning, "content": {JSON: {"schema": schema}, **also}}


def _path(route: AnyRoute) -> str:
    parts = (
        f"{{{_camel(part.name)}}}" if isinstance(part, Parameter) else part
        for part in route.segments
    )
    return "/" + "/".join(parts)


def _path_parameters(route: AnyRoute) -> Iterable[Schema]:
    for part in route.segments:
        if isinstance(part, Parameter):
            schema: Schema = {"format": "uuid"} if part.is_uuid else {"minLength": 1}
            schema["type"] = "string"
            yield {"name": _camel(part.name), "in": "path", "required": True, "schema": schema}


def _query_parameters(route: AnyRoute, schemas: Schemas) -> Iterable[Schema]:
    if route.query is None:
        return
    for member, schema in schemas.members(route.query):
        yield {
            "name": member.encode_name,
            "in": "query",
            "required": member.required,
            "schema": schema,
        }


def _add_links(paths: Mapping[str, Mapping[str, Schema]], links: Sequence[Link]) -> None:
    """Put each link where it starts, if both of its ends are there."""
    operations = {
        operation["operationId"]: operation
        for operations in paths.values()
        for operation in operations.values()
    }
    for link in links:
        source, target = operations.get(link.source), operations.get(link.target)
        if source is None or target is None:
            continue
        done = next(iter(source["responses"].values()))
        done.setdefault("links", {})[f"{link.target}{link.member.replace('/', '-')}"] = {
            "operationId": link.target,
            "parameters": {link.parameter: f"$response.body#{link.member}"},
        }


def _meaning(status: int) -> str:
    return _MEANINGS.get(status) or f"{HTTPStatus(status).phrase}."


def _words(operation_id: str) -> str:
    return _CAPITAL.sub(" ", operation_id).capitalize()


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
