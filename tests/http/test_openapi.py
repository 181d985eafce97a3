from dataclasses import replace
from uuid import UUID

import msgspec
from msgspec import Struct

from fh.errors import FeatureHubError
from fh.http.openapi import Contract, Link, documented_statuses, openapi_document, openapi_routes
from fh.http.routing import Request, Route


class Wish(Struct, frozen=True):
    name: str


class Thing(Struct, frozen=True):
    id: UUID
    name: str


class Faults(Struct, frozen=True):
    faults: tuple[str, ...]


class Filter(Struct, frozen=True, rename="camel"):
    version: int
    with_name: bool = False


class Busy(FeatureHubError):
    pass


async def nothing(_: Request[None, None, None]) -> None: ...


MAKE = Route(
    "POST",
    "/thing",
    "makeThing",
    nothing,
    tag="Things",
    body=Wish,
    response=Thing,
    status=201,
    refusals={Busy: 423},
    answers={422: Faults},
)
FIND = Route(
    "GET",
    "/thing/{thing_id:uuid}/part/{key}",
    "findPart",
    nothing,
    tag="Things",
    query=Filter,
    response=list[Thing],
    deprecated=True,
)
OPEN = Route("DELETE", "/all", "deleteAll", nothing, tag="Other", status=204, authenticated=False)
CONTRACT = Contract(
    title="Things",
    version="1",
    description="About things.",
    refused={"findPart": (403,)},
    links=[Link("makeThing", "/id", "findPart", "thingId"), Link("makeThing", "/id", "gone", "id")],
)
KEY = {"name": "Key", "in": "header", "required": False, "schema": {"type": "string"}}


def document(**more):
    return openapi_document([MAKE, FIND, OPEN], replace(CONTRACT, **more))


def test_statuses_follow_from_the_route_and_from_what_the_contract_adds():
    assert documented_statuses(MAKE, CONTRACT) == {201, 400, 401, 408, 413, 422, 423, 500, 503}
    assert documented_statuses(FIND, CONTRACT) == {200, 400, 401, 403, 404, 500, 503}
    assert documented_statuses(OPEN, CONTRACT) == {204, 500, 503}


def test_a_write_that_takes_a_header_may_be_refused_for_it():
    keyed = replace(CONTRACT, write_headers=[KEY])
    assert documented_statuses(MAKE, keyed) - documented_statuses(MAKE, CONTRACT) == {409}
    assert documented_statuses(FIND, keyed) == documented_statuses(FIND, CONTRACT)
    paths = document(write_headers=[KEY])["paths"]
    assert paths["/thing"]["post"]["parameters"] == [KEY]
    assert KEY not in paths["/thing/{thingId}/part/{key}"]["get"]["parameters"]


def test_parameters_carry_their_types_and_whether_they_are_required():
    found = document()["paths"]["/thing/{thingId}/part/{key}"]["get"]
    assert found["parameters"] == [
        {
            "name": "thingId",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        },
        {
            "name": "key",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        },
        {"name": "version", "in": "query", "required": True, "schema": {"type": "integer"}},
        {
            "name": "withName",
            "in": "query",
            "required": False,
            "schema": {"type": "boolean", "default": False},
        },
    ]
    assert found["deprecated"] is True
    assert found["summary"] == "Find part"


def test_answers_name_their_schemas_and_refusals_the_problem():
    found = document()["paths"]["/thing"]["post"]
    thing, problem = ({"$ref": f"#/components/schemas/{name}"} for name in ("Thing", "ProblemBody"))
    answers = found["responses"]
    assert answers["201"]["content"]["application/json"]["schema"] == thing
    assert answers["400"]["content"]["application/json"]["schema"] == problem
    assert answers["422"]["content"]["application/json"]["schema"] == {
        "anyOf": [{"$ref": "#/components/schemas/Faults"}, problem]
    }
    assert list(answers["401"]["content"]) == ["text/plain"]
    assert "content" not in document()["paths"]["/all"]["delete"]["responses"]["204"]
    assert found["requestBody"]["required"] is True


def test_a_refusal_may_be_text():
    answers = document(plain={"makeThing": (422,)})["paths"]["/thing"]["post"]["responses"]
    assert list(answers["422"]["content"]) == ["application/json", "text/plain"]
    assert list(answers["400"]["content"]) == ["application/json"]


def test_only_who_has_a_token_gets_in_where_a_caller_must_be_known():
    paths = document()["paths"]
    assert paths["/thing"]["post"]["security"] == [{"bearer": []}]
    assert paths["/all"]["delete"]["security"] == []


def test_links_lead_to_operations_that_are_there():
    created = document()["paths"]["/thing"]["post"]["responses"]["201"]
    assert list(created["links"].values()) == [
        {"operationId": "findPart", "parameters": {"thingId": "$response.body#/id"}}
    ]


async def test_the_document_is_made_once_when_somebody_asks():
    made = []

    def make():
        made.append(1)
        return document()

    [route] = openapi_routes(make)
    assert made == []
    request = Request(None, None, None, {}, "")
    first, second = await route.handle(request), await route.handle(request)
    assert first.body == second.body
    assert msgspec.json.decode(first.body)["openapi"] == "3.1.0"
    assert made == [1]
