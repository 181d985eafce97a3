"""Bodies made from the types that routes declare, and their places for what one likes oneself."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

Place: TypeAlias = tuple[str | int, ...]

_DEEPEST = 4
TEXT = "text"
"""What stands wherever any text may."""

ANY = "any"
"""What stands wherever any JSON may."""

_SCALARS: dict[type[inspect.Type], Any] = {
    inspect.UUIDType: "00000000-0000-4000-8000-000000000001",
    inspect.DateTimeType: "2026-11-30T10:00:00Z",
    inspect.BoolType: False,
    inspect.IntType: 1,
    inspect.FloatType: 1.5,
    inspect.RawType: ANY,
    inspect.AnyType: ANY,
    inspect.StrType: TEXT,
}


def example(kind: Any) -> Any:
    """Return a body that fits `kind`, with one element in each array and no optional null."""
    return _example(inspect.type_info(kind), 0)


def texts(kind: Any) -> list[Place]:
    """Return the places of all texts in `example(kind)`, identifiers and enumerations included."""
    return [place for place, value in _walk(example(kind), ()) if isinstance(value, str)]


def numbers(body: Any) -> list[Place]:
    """Return the places of all whole numbers in a body."""
    return [place for place, value in _walk(body, ()) if type(value) is int]


def value_at(body: Any, place: Place) -> Any:
    """Return what stands at one place."""
    for step in place:
        body = body[step]
    return body


def with_value(body: Any, place: Place, value: Any) -> Any:
    """Return `body` with another value at one place."""
    changed = deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return changed


def with_number(body: Any, place: Place, number: int) -> bytes:
    """Return the JSON of `body` with a number at one place, however large it is."""
    encoded = msgspec.json.encode(with_value(body, place, "@here@"))
    return encoded.replace(b'"@here@"', str(number).encode())


def _walk(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    match value:
        case dict():
            for name, member in value.items():
                yield from _walk(member, (*place, name))
        case list():
            for index, member in enumerate(value):
                yield from _walk(member, (*place, index))
        case _:
            yield place, value


def _example(info: inspect.Type, depth: int) -> Any:
    match info:
        case inspect.StructType(fields=fields):
            return {
                member.encode_name: _example(member.type, depth + 1)
                for member in fields
                if member.required or depth < _DEEPEST
            }
        case inspect.Metadata(type=inner):
            return _example(inner, depth)
        case inspect.UnionType(types=types):
            return _example(next(one for one in types if not _is_none(one)), depth)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return [] if depth >= _DEEPEST else [_example(item, depth + 1)]
        case inspect.DictType(value_type=values):
            return {"name": _example(values, depth + 1)}
        case inspect.EnumType(cls=kind):
            return next(iter(kind)).value
        case _:
            return _SCALARS[type(info)]


def _is_none(info: inspect.Type) -> bool:
    return isinstance(info, inspect.NoneType)
