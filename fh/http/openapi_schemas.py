"""JSON schemas of the values on the wire, as an OpenAPI document holds them.

A type that clients only ever receive is described as they receive it: what is always sent is
required, and what is left out when there is nothing to say is never null.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import NODEFAULT, Struct, inspect

Schema: TypeAlias = dict[str, Any]
"""JSON Schema 2020-12, as OpenAPI 3.1 uses it."""

REFERENCE: Final = "#/components/schemas/"

_BOUNDS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
_ARRAY_BOUNDS: Final = {"min_length": "minItems", "max_length": "maxItems"}
_NULL: Final[Schema] = {"type": "null"}
_ONE_WORD: Final[Mapping[type[inspect.Type], Schema]] = {
    inspect.AnyType: {},
    inspect.RawType: {},
    inspect.NoneType: _NULL,
    inspect.BoolType: {"type": "boolean"},
    inspect.UUIDType: {"type": "string", "format": "uuid"},
    inspect.DateTimeType: {"type": "string", "format": "date-time"},
    inspect.DateType: {"type": "string", "format": "date"},
    inspect.DecimalType: {"type": "string", "format": "decimal"},
}


@dataclass(frozen=True, slots=True)
class Schemas:
    """How types look; Structs and enumerations have a name, and are referred to by it."""

    _names: Mapping[type, str]
    _only_received: frozenset[type]

    def of(self, wanted: Any) -> Schema:
        """Return the schema of one of the types that were described."""
        return self._of(inspect.type_info(wanted))

    def components(self) -> dict[str, Schema]:
        """Return the schemas of everything that has a name, by it."""
        return dict(sorted((name, self._named(kind)) for kind, name in self._names.items()))

    def members(self, struct: type[Struct]) -> Iterator[tuple[inspect.Field, Schema]]:
        """Return the members of a Struct with their schemas as clients send them, without null."""
        info = inspect.type_info(struct)
        assert isinstance(info, inspect.StructType)
        for member in info.fields:
            yield member, self._of(member.type, nullable=False) | _default(member)

    def _of(self, info: inspect.Type, *, nullable: bool = True) -> Schema:
        match info:
            case inspect.StructType() | inspect.EnumType():
                return {"$ref": REFERENCE + self._names[info.cls]}
            case inspect.Metadata(type=inner, extra_json_schema=extra):
                return self._of(inner, nullable=nullable) | (extra or {})
            case inspect.UnionType(types=types):
                return self._union(types, nullable=nullable)
            case inspect.ListType() | inspect.VarTupleType():
                return _array(info, self._of(info.item_type))
            case inspect.SetType() | inspect.FrozenSetType():
                return _array(info, self._of(info.item_type)) | {"uniqueItems": True}
            case inspect.TupleType(item_types=()):
                return {"type": "array", "maxItems": 0}
            case inspect.DictType(value_type=values):
                return {"type": "object", "additionalProperties": self._of(values)}
            case inspect.StrType():
                return {"type": "string"} | _bounds(info, _BOUNDS)
            case inspect.IntType():
                return {"type": "integer"} | _bounds(info, _BOUNDS)
            case inspect.FloatType():
                return {"type": "number"} | _bounds(info, _BOUNDS)
            case inspect.LiteralType(values=values):
                return {"enum": list(values)}
            case _:
                return dict(_ONE_WORD[type(info)])

    def _union(self, types: Sequence[inspect.Type], *, nullable: bool) -> Schema:
        there = [self._of(kind) for kind in types if not isinstance(kind, inspect.NoneType)]
        if nullable and len(there) < len(types):
            there.append(_NULL)
        return there[0] if len(there) == 1 else {"anyOf": there}

    def _named(self, kind: type) -> Schema:
        if issubclass(kind, Enum):
            return {"type": "string", "enum": sorted(str(member.value) for member in kind)}
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        received = kind in self._only_received
        members: dict[str, Schema] = {}
        required = []
        for member in info.fields:
            left_out = _left_out(info, member) if received else not member.required
            if not left_out:
                required.append(member.encode_name)
            schema = self._of(member.type, nullable=not (received and left_out))
            members[member.encode_name] = schema if received else schema | _default(member)
        described: Schema = {"type": "object", "properties": members}
        if kind.__doc__:
            described["description"] = kind.__doc__.strip().partition("\n\n")[0].replace("\n", " ")
        return described | ({"required": required} if required else {})


def describe(sent: Iterable[Any], received: Iterable[Any], queries: Iterable[Any]) -> Schemas:
    """Return how what clients send, what they receive, and query strings look."""
    queries = list(queries)
    also_sent = list(_kinds([*sent, *queries]))
    kinds = dict.fromkeys([*also_sent, *_kinds(received)])
    count = Counter(kind.__name__ for kind in kinds)
    names = {
        kind: kind.__name__ if count[kind.__name__] == 1 else _long_name(kind)
        for kind in kinds
        if kind not in queries
    }
    return Schemas(names, frozenset(kinds) - frozenset(also_sent))


def _kinds(types: Iterable[Any]) -> Iterator[type]:
    """Return all Structs and enumerations that `types` are made of, each once."""
    seen: set[type] = set()
    waiting = list(inspect.multi_type_info(types))
    while waiting:
        info = waiting.pop()
        if not isinstance(info, inspect.StructType | inspect.EnumType):
            waiting.extend(_inner(info))
        elif info.cls not in seen:
            seen.add(info.cls)
            yield info.cls
            if isinstance(info, inspect.StructType):
                waiting.extend(member.type for member in info.fields)


def _inner(info: inspect.Type) -> Sequence[inspect.Type]:
    match info:
        case inspect.UnionType(types=types):
            return types
        case inspect.Metadata(type=inner):
            return (inner,)
        case inspect.ListType() | inspect.VarTupleType():
            return (info.item_type,)
        case inspect.SetType() | inspect.FrozenSetType():
            return (info.item_type,)
        case inspect.DictType():
            return (info.key_type, info.value_type)
        case _:
            return ()


def _left_out(struct: inspect.StructType, member: inspect.Field) -> bool:
    """Return whether a member that says nothing is not sent at all."""
    if not struct.cls.__struct_config__.omit_defaults or member.required:
        return False
    # msgspec knows what these make without calling them; it never calls a factory to compare.
    return member.default_factory in {NODEFAULT, list, dict, set}


def _array(info: inspect.Type, items: Schema) -> Schema:
    return {"type": "array", "items": items} | _bounds(info, _ARRAY_BOUNDS)


def _bounds(info: inspect.Type, names: Mapping[str, str]) -> Schema:
    found = {schema: getattr(info, name, None) for name, schema in names.items()}
    return {name: bound for name, bound in found.items() if bound is not None}


def _default(member: inspect.Field) -> Schema:
    if member.default_factory is not NODEFAULT:
        made = member.default_factory()
    elif isinstance(member.default, msgspec.Raw):  # its emptiness stands for absence
        return {}
    else:
        made = member.default
    if made is NODEFAULT or made is None:
        return {}
    return {"default": msgspec.json.decode(msgspec.json.encode(made))}


def _long_name(kind: type) -> str:
    module = kind.__module__.rpartition(".")[2]
    return "".join(word.capitalize() for word in module.split("_")) + kind.__name__
