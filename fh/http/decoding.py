"""Bytes of a request to typed values; every fault becomes a `Problem` that names its field.

Strings that PostgreSQL can't store (NUL, lone surrogates) end here.
"""

import re
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from fh.http.json_text import find_lone_surrogate, find_nul, is_deeper, place_at
from fh.http.problem import Problem

T = TypeVar("T")

LARGEST_BODY_BYTES: Final = 10 * 1024 * 1024
DEEPEST_BODY_LEVELS: Final = 50
MOST_QUERY_PARAMETERS: Final = 2000

_PLACE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_TOO_DEEP: Final = f"The JSON body is nested more than {DEEPEST_BODY_LEVELS} levels deep."
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]+)`")
_ARRAYS = (
    msgspec.inspect.ListType,
    msgspec.inspect.VarTupleType,
    msgspec.inspect.SetType,
    msgspec.inspect.FrozenSetType,
)


class BodyDecoder(Generic[T]):
    """Decodes JSON bodies of one type."""

    def __init__(self, wanted: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(wanted)

    def decode(self, body: bytes) -> T:
        """Return the value that `body` holds.

        Raises:
            Problem: 400, it is no JSON, or not of the type.
        """
        if not body.strip():
            raise Problem(400, "The request needs a JSON body.")
        try:
            body.decode()  # what is kept as JSON text, whatever it holds, nobody else looks at
            if is_deeper(body, DEEPEST_BODY_LEVELS):
                raise Problem(400, _TOO_DEEP)
            value = self._decoder.decode(body)
        except msgspec.ValidationError as fault:
            raise _invalid(fault) from fault
        except RecursionError as fault:  # opened so often, and never closed
            raise Problem(400, _TOO_DEEP) from fault
        except (msgspec.DecodeError, UnicodeError) as fault:
            raise _malformed(body, fault) from fault
        if (position := find_nul(body)) is not None:
            field = place_at(body, position)
            raise Problem(400, "NUL can't be part of a text.", field=field)
        return value


class QueryDecoder(Generic[T]):
    """Decodes query strings of one Struct type: repeated keys are arrays, empty means absent."""

    def __init__(self, wanted: type[T]) -> None:
        self._wanted = wanted
        info = msgspec.inspect.type_info(wanted)
        assert isinstance(info, msgspec.inspect.StructType), f"{wanted} is not a Struct"
        self._is_array = {field.encode_name: _is_array(field.type) for field in info.fields}

    def decode(self, query: bytes) -> T:
        """Return the value that `query` holds; parameters that nobody declared are ignored.

        Raises:
            Problem: 400, a value is malformed; 404, one that must be a UUID is none.
        """
        try:
            pairs = parse_qsl(
                query.decode("ascii"), errors="strict", max_num_fields=MOST_QUERY_PARAMETERS
            )
        except ValueError as fault:  # also not ASCII, or not UTF-8 once decoded
            raise Problem(400, f"The query string is malformed: {fault}") from fault
        given: dict[str, Any] = {}
        for name, value in pairs:
            if "\0" in value:
                raise Problem(400, "NUL can't be part of a text.", field=name)
            if self._is_array.get(name):
                given.setdefault(name, []).append(value)
            else:
                given.setdefault(name, value)
        try:
            return msgspec.convert(given, self._wanted, strict=False)
        except msgspec.ValidationError as fault:
            problem = _invalid(fault)
            if str(fault).startswith("Invalid UUID"):
                raise Problem(404, problem.detail, field=problem.field) from fault
            raise problem from fault


def _is_array(declared: msgspec.inspect.Type) -> bool:
    if isinstance(declared, msgspec.inspect.UnionType):
        return any(_is_array(member) for member in declared.types)
    return isinstance(declared, _ARRAYS)


def _invalid(fault: msgspec.ValidationError) -> Problem:
    text = str(fault)
    place = _PLACE.search(text)
    path = place["path"] if place else ""
    if missing := _MISSING.match(text):
        path = f"{path}.{missing['name']}" if path else missing["name"]
    return Problem(400, _PLACE.sub("", text), field=path or None)


def _malformed(body: bytes, fault: Exception) -> Problem:
    # The decoder speaks of bytes that are missing, or of UTF-16, neither of which was sent.
    position = None if isinstance(fault, UnicodeError) else find_lone_surrogate(body)
    if position is None:
        return Problem(400, f"The body is not JSON: {fault}")
    return Problem(
        400,
        "Half of a surrogate pair can't be part of a text.",
        field=place_at(body, position),
    )
