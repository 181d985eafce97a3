from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta, Raw, Struct, field

from fh.http.openapi_schemas import REFERENCE, describe

NOTHING = Raw(b"")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Leaf(Struct, frozen=True, rename="camel"):
    """A leaf.

    More about it.
    """

    leaf_size: int


class Tree(Struct, frozen=True, omit_defaults=True):
    id: UUID
    name: Annotated[str, Meta(min_length=1, max_length=9)]
    leaves: tuple[Leaf, ...] = field(default_factory=lambda: ())
    notes: list[str] = field(default_factory=list)
    colour: Colour | None = None
    value: Raw = NOTHING
    extent: Annotated[int, Meta(ge=1, le=4)] = 2


class Query(Struct, frozen=True, rename="camel"):
    colours: tuple[Colour, ...] = ()
    most_items: int = 20
    filter: str | None = None
    version: int | None = None


def ref(name):
    return {"$ref": REFERENCE + name}


def test_what_is_received_is_required_where_it_is_always_sent_and_never_null():
    tree = describe([], [Tree], []).components()["Tree"]
    assert tree["required"] == ["id", "name", "leaves"]
    assert tree["properties"] == {
        "id": {"type": "string", "format": "uuid"},
        "name": {"type": "string", "minLength": 1, "maxLength": 9},
        "leaves": {"type": "array", "items": ref("Leaf")},
        "notes": {"type": "array", "items": {"type": "string"}},
        "colour": ref("Colour"),
        "value": {},
        "extent": {"type": "integer", "minimum": 1, "maximum": 4},
    }


def test_what_is_encoded_fits():
    tree = Tree(UUID(int=1), "oak")
    assert sorted(msgspec.to_builtins(tree)) == ["id", "leaves", "name"]


def test_what_is_sent_is_required_where_there_is_no_default_and_may_be_null():
    tree = describe([Tree], [Tree], []).components()["Tree"]
    assert tree["required"] == ["id", "name"]
    assert tree["properties"]["colour"] == {"anyOf": [ref("Colour"), {"type": "null"}]}
    assert tree["properties"]["extent"]["default"] == 2
    assert "default" not in tree["properties"]["value"]


def test_everything_with_a_name_is_a_component():
    schemas = describe([list[Tree]], [bool], [Query])
    assert list(schemas.components()) == ["Colour", "Leaf", "Tree"]
    assert schemas.components()["Colour"] == {"type": "string", "enum": ["blue", "red"]}
    assert schemas.components()["Leaf"]["description"] == "A leaf."
    assert schemas.of(list[Tree]) == {"type": "array", "items": ref("Tree")}


def test_a_query_tells_defaults_but_no_null():
    members = describe([], [], [Query]).members(Query)
    assert {member.encode_name: schema for member, schema in members} == {
        "colours": {"type": "array", "items": ref("Colour"), "default": []},
        "mostItems": {"type": "integer", "default": 20},
        "filter": {"type": "string"},
        "version": {"type": "integer"},
    }


def test_two_of_one_name_are_told_apart():
    other = type("Leaf", (Struct,), {"__annotations__": {"a": int}, "__module__": "far.the_other"})
    names = list(describe([Leaf], [other], []).components())
    assert sorted(names) == ["TestOpenapiSchemasLeaf", "TheOtherLeaf"]


@pytest.mark.parametrize(
    ("wanted", "schema"),
    [
        (str, {"type": "string"}),
        (float, {"type": "number"}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (frozenset[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (tuple[()], {"type": "array", "maxItems": 0}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (
            Annotated[list[str], Meta(max_length=3)],
            {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        ),
    ],
)
def test_a_type_without_a_name_stands_where_it_is_used(wanted, schema):
    assert describe([wanted], [], []).of(wanted) == schema
