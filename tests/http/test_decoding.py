from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Raw, Struct

from fh.http.decoding import DEEPEST_BODY_LEVELS, BodyDecoder, QueryDecoder
from fh.http.problem import Problem

ID = UUID(int=7)


class Inner(Struct):
    name: Annotated[str, Meta(max_length=3)]


class Body(Struct, rename="camel"):
    first_name: str
    email: str | None = None
    count: int = 0
    inner: list[Inner] = []
    raw: Raw = Raw()


class Order(StrEnum):
    ASC = "ASC"


class Query(Struct, rename="camel"):
    environment_ids: tuple[UUID, ...] = ()
    by_id: UUID | None = None
    include_acls: bool = False
    filter: str | None = None
    max: int = 20
    order: Order | None = None
    types: list[str] | None = None


BODY = BodyDecoder(Body)
QUERY = QueryDecoder(Query)


def refused(body: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        BODY.decode(body)
    return caught.value


def status(decode, given_bytes: bytes) -> int:
    try:
        decode(given_bytes)
    except Problem as problem:
        return problem.status
    return 200


@pytest.mark.parametrize("text", [b'"\xff"', b'"\xed\xa0\x80"', b'{"a": "\xc0\x80"}'])
def test_what_is_kept_as_it_came_is_utf_8_too(text):
    problem = refused(b'{"firstName": "a", "raw": ' + text + b"}")
    assert problem.status == 400
    assert problem.detail is not None
    assert problem.detail.startswith("The body is not JSON")


def test_unknown_members_and_nulls_are_accepted():
    decoded = BODY.decode(b'{"firstName": "x", "email": null, "whatever": [1, {"a": null}]}')
    assert decoded == Body(first_name="x")


@pytest.mark.parametrize("body", [b"", b"  ", b"{", b"nonsense", b"{'a': 1}", b"\xff\xfe", b"NaN"])
def test_what_is_no_json_is_refused(body):
    assert refused(body).status == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "firstName"),
        (b'{"firstName": null}', "firstName"),
        (b'{"firstName": 1}', "firstName"),
        (b'{"firstName": "x", "count": "1"}', "count"),
        (b'{"firstName": "x", "count": 1.5}', "count"),
        (b'{"firstName": "x", "inner": [{"name": "long"}]}', "inner[0].name"),
        (b'{"firstName": "x", "inner": [{}]}', "inner[0].name"),
        (b'{"firstName": "a\\u0000b"}', "firstName"),
        (b'{"firstName": "x", "raw": {"deep": ["\\u0000"]}}', "raw.deep[0]"),
        (b"[]", None),
        (b'"text"', None),
    ],
)
def test_a_fault_names_its_field(body, field):
    problem = refused(body)
    assert (problem.status, problem.field) == (400, field)
    assert problem.detail
    assert "$" not in problem.detail


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udc00", b"\\ud800x", b"\\ud83d\\u0041"])
@pytest.mark.parametrize("member", [b"firstName", b"email", b"unknown", b"raw"])
def test_lone_surrogates_are_refused(text, member):
    other = b"" if member == b"firstName" else b'"firstName": "x", '
    assert refused(b"{" + other + b'"' + member + b'": "' + text + b'"}').status == 400


def test_surrogate_pairs_and_escaped_backslashes_are_text():
    assert BODY.decode(b'{"firstName": "\\ud83d\\ude00 \\\\u0000"}').first_name == "😀 \\u0000"


def test_half_a_pair_is_called_that_and_its_place_named():
    problem = refused(b'{"firstName": "x", "raw": ["", "\\ud800"]}')
    assert problem.field == "raw[1]"
    assert problem.detail == "Half of a surrogate pair can't be part of a text."


@pytest.mark.parametrize("text", [b"\\ud83d\\ude00", b"\\\\u0000", b"\\\\ud83d"])
def test_what_only_looks_suspect_is_decoded_once_and_into_the_wanted_type(text, monkeypatch):
    """Members that nobody asked for become no values: they take many times their bytes."""

    def decode(*_):
        raise AssertionError("a second value is made of the body")

    monkeypatch.setattr(msgspec.json, "decode", decode)
    body = b'{"firstName": "x", "y": ["' + text + b'"' + b", {}" * 100_000 + b"]}"
    assert BODY.decode(body) == Body(first_name="x")


@pytest.mark.parametrize("member", [b"unknown", b"raw"])
def test_fifty_levels_are_enough(member):
    def nested(depth):
        inner = b"[" * (depth - 1) + b"]" * (depth - 1)
        return b'{"firstName": "x", "' + member + b'": ' + inner + b"}"

    BODY.decode(nested(DEEPEST_BODY_LEVELS))
    for depth in (DEEPEST_BODY_LEVELS + 1, 900):
        problem = refused(nested(depth))
        assert problem.status == 400
        assert "50 levels" in str(problem)


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
@pytest.mark.parametrize("member", [b"inner", b"unknown", b"raw"])
def test_absurd_nesting_is_refused(depth, member):
    body = b'{"firstName": "x", "' + member + b'": ' + b"[" * depth + b"]" * depth + b"}"
    assert refused(body).status == 400
    assert refused(b"[" * depth).status == 400


@given(st.binary(max_size=80))
def test_any_bytes_are_decoded_or_refused(body):
    assert status(BODY.decode, body) in {200, 400}


def test_repeated_keys_are_an_array_and_none_is_empty():
    two = QUERY.decode(f"environmentIds={ID}&environmentIds={ID}".encode())
    assert two.environment_ids == (ID, ID)
    assert QUERY.decode(b"") == Query()
    assert QUERY.decode(b"types=a&types=b").types == ["a", "b"]


def test_empty_values_count_as_absent():
    assert QUERY.decode(b"environmentIds=&filter=&max=&includeAcls=&order=") == Query()


def test_values_are_converted_from_text():
    decoded = QUERY.decode(b"includeAcls=TRUE&max=5&filter=a%20b%C3%A4+c&order=ASC&unknown=1")
    assert decoded == Query(include_acls=True, max=5, filter="a bä c", order=Order.ASC)


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        (b"byId=nope", 404, "byId"),
        (b"environmentIds=nope", 404, "environmentIds[0]"),
        (b"max=many", 400, "max"),
        (b"includeAcls=perhaps", 400, "includeAcls"),
        (b"order=UP", 400, "order"),
        (b"filter=%00", 400, "filter"),
        (b"filter=%ff", 400, None),
        (b"filter=\xff", 400, None),
        (b"filter=%ED%A0%80", 400, None),
        (b"a=1&" * 3000, 400, None),
    ],
)
def test_malformed_parameters_are_refused(query, status, field):
    with pytest.raises(Problem) as caught:
        QUERY.decode(query)
    assert (caught.value.status, caught.value.field) == (status, field)


@given(st.binary(max_size=60))
def test_any_query_is_decoded_or_refused(query):
    assert status(QUERY.decode, query) in {200, 400, 404}
