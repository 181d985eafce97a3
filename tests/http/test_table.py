from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.http.routing import Request, Route
from fh.http.table import (
    BadIdentifier,
    BadText,
    Matched,
    NoSuchPath,
    RouteTable,
    WrongMethod,
    parse_uuid,
)

ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


async def nothing(_: Request[None, None, None]) -> None: ...


def route(method: str, path: str) -> Route:
    return Route(method, path, f"{method} {path}", nothing, tag="Tests")


TABLE = RouteTable(
    [
        route("GET", "/group/{gid:uuid}"),
        route("DELETE", "/group/{gid:uuid}"),
        route("GET", "/group/all"),
        route("GET", "/features/{eid:uuid}/feature/{key}"),
        route("GET", "/person/{id}"),
        route("GET", "/"),
    ]
)


def test_a_uuid_in_a_path_arrives_as_a_uuid():
    match TABLE.match("GET", f"/group/{ID.upper()}".encode()):
        case Matched(found, path):
            assert found.path == "/group/{gid:uuid}"
            assert path == {"gid": UUID(ID)}
        case other:
            pytest.fail(str(other))


def test_fixed_text_wins_over_a_parameter():
    found = TABLE.match("GET", b"/group/all")
    assert isinstance(found, Matched)
    assert found.route.path == "/group/all"


def test_a_parameter_is_tried_where_fixed_text_has_another_method():
    assert isinstance(TABLE.match("DELETE", b"/group/all"), BadIdentifier)


@pytest.mark.parametrize(
    "text", [b"1", b"", b"%7B" + ID.encode() + b"%7D", ID.encode()[:-1], b"urn:uuid:" + ID.encode()]
)
def test_a_malformed_uuid_is_no_such_thing(text):
    found = TABLE.match("GET", b"/group/" + text)
    assert isinstance(found, BadIdentifier | NoSuchPath)


def test_a_key_may_hold_an_encoded_slash():
    found = TABLE.match("GET", f"/features/{ID}/feature/a%2Fb%20%C3%A4".encode())
    assert isinstance(found, Matched)
    assert found.path["key"] == "a/b ä"


@pytest.mark.parametrize("text", [b"%ff", b"%00", b"a%00b", b"\xff"])
def test_text_that_can_not_be_stored_is_refused(text):
    assert isinstance(TABLE.match("GET", b"/person/" + text), BadText)


def test_another_method_names_those_that_exist():
    assert TABLE.match("PUT", f"/group/{ID}".encode()) == WrongMethod(["DELETE", "GET"])


def test_head_is_answered_like_get():
    assert isinstance(TABLE.match("HEAD", b"/person/self"), Matched)


def test_one_slash_at_the_end_is_forgiven():
    assert isinstance(TABLE.match("GET", b"/person/self/"), Matched)


def test_the_root_is_a_path_too():
    assert isinstance(TABLE.match("GET", b"/"), Matched)


@pytest.mark.parametrize("path", [b"/person", b"/person//", b"//person/self", b"/nothing/at/all"])
def test_an_unknown_path_is_none_of_ours(path):
    assert isinstance(TABLE.match("GET", path), NoSuchPath)


def test_declaring_a_route_twice_is_a_mistake():
    with pytest.raises(AssertionError, match="twice"):
        RouteTable([route("GET", "/a/{x}"), route("GET", "/a/{y:uuid}")])


@given(st.binary(max_size=60))
def test_any_bytes_get_an_answer(path):
    assert TABLE.match("GET", b"/" + path)


@given(st.uuids())
def test_every_canonical_uuid_is_understood(identifier):
    assert parse_uuid(str(identifier)) == identifier
