"""How the document that is served differs from the contract that was typed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.mr.contract.typed import Kind, Member, Operation, enumerations, operations, schemas

ABSENT = "is absent"

_REFERENCE = "#/components/schemas/"
_SCALARS: dict[str, dict[str, str]] = {
    "str": {"type": "string"},
    "email": {"type": "string"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "long": {"type": "integer"},
    "num": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
    "datetime": {"type": "string", "format": "date-time"},
    "map<str,str>": {"type": "object"},
    "map<str,IdentityProviderInfo>": {"type": "object"},
    "any": {},
    # Any JSON value, by a name of its own.
    "RolloutStrategyArrayType": {},
}
_SENT, _RECEIVED = "as it is sent", "as it is received"
# Kept as text, for its digits not to change: any JSON, as far as the schema knows.
_LOOSE = {"num"}


@dataclass
class Comparison:
    """What was found, by operation or by schema and direction."""

    document: dict[str, Any]
    found: dict[str, set[str]] = field(default_factory=dict)
    _typed: dict[str, dict[str, Member]] = field(default_factory=schemas)
    _values: dict[str, set[str]] = field(default_factory=enumerations)
    _answers: set[str] = field(default_factory=set)

    def run(self) -> dict[str, set[str]]:
        typed = operations()
        self._answers = {one.answer.name for one in typed.values() if one.answer}
        served = {
            operation["operationId"]: (path, method.upper(), operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }
        for name, wanted in typed.items():
            if name not in served:
                self.found[name] = {ABSENT}
            elif faults := set(self._operation(wanted, *served[name])):
                self.found[name] = faults
        for name in served.keys() - typed.keys():
            self.found[name] = {"is not in the contract"}
        return {name: faults for name, faults in self.found.items() if faults}

    def _operation(
        self, wanted: Operation, path: str, method: str, operation: dict[str, Any]
    ) -> Iterator[str]:
        if (method, _shape(path)) != (wanted.method, _shape(wanted.path)):
            yield f"is {method} {path}"
        if wanted.tag and operation["tags"] != [wanted.tag]:
            yield f"has the tags {operation['tags']}"
        if operation.get("deprecated", False) != wanted.deprecated:
            yield "differs in being deprecated"
        if (operation["security"] == []) != wanted.public:
            yield "differs in who may call it"
        missing = wanted.statuses - {int(status) for status in operation["responses"]}
        for status in sorted(missing):
            yield f"does not answer {status}"
        parameters = operation["parameters"]
        in_path = [one for one in parameters if one["in"] == "path"]
        for sent, is_uuid in zip(in_path, _uuids(wanted.path), strict=True):
            if (sent["schema"].get("format") == "uuid") != is_uuid:
                yield f"takes {sent['name']} of another type"
        yield from self._query(wanted, [one for one in parameters if one["in"] == "query"])
        yield from self._contents(wanted, operation)

    def _query(self, wanted: Operation, served: list[dict[str, Any]]) -> Iterator[str]:
        by_name = {one["name"]: one for one in served}
        for member in wanted.query:
            one = by_name.pop(member.name, None)
            if one is None:
                if not member.ignored:
                    yield f"takes no {member.name}"
                continue
            if one["required"] != member.required:
                yield f"differs in whether {member.name} is required"
            yield from self._kind(member.kind, one["schema"], f"?{member.name}", _SENT)
            default = member.kind.default
            if default is not None and str(one["schema"].get("default")).lower() != default.lower():
                yield f"?{member.name} has the default {one['schema'].get('default')}"
        for name in by_name:
            yield f"takes {name}, which is not in the contract"

    def _contents(self, wanted: Operation, operation: dict[str, Any]) -> Iterator[str]:
        sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if (sent is None) != (wanted.body is None):
            yield "differs in having a body"
        elif sent is not None and wanted.body is not None:
            yield from self._kind(wanted.body, sent["schema"], "body", _SENT)
        status = next(iter(operation["responses"]))
        received = operation["responses"][status].get("content", {}).get("application/json")
        if (received is None) != (wanted.answer is None):
            yield "differs in having an answer"
        elif received is not None and wanted.answer is not None:
            yield from self._kind(wanted.answer, received["schema"], "answer", _RECEIVED)

    def _kind(
        self, wanted: Kind, schema: dict[str, Any], where: str, direction: str
    ) -> Iterator[str]:
        schema = _without_null(schema)
        if not schema and (wanted.name in _LOOSE or wanted.name == "any"):
            return
        if wanted.array:
            if schema.get("type") != "array":
                yield f"{where} is no array"
                return
            if "items" not in schema:
                return
            schema = _without_null(schema["items"])
        if wanted.name in _SCALARS:
            for name, value in _SCALARS[wanted.name].items():
                if schema.get(name) != value:
                    yield f"{where} is no {wanted.name}"
            if direction == _SENT and not wanted.array:
                yield from _bounds(wanted, schema, where)
            return
        reference = schema.get("$ref", "")
        if not reference:
            yield f"{where} is no {wanted.name}"
            return
        self._component(wanted.name, reference.removeprefix(_REFERENCE), direction)

    def _component(self, name: str, ours: str, direction: str) -> None:
        component = self.document["components"]["schemas"][ours]
        if name in self._values:
            values = set(component.get("enum", ()))
            faults = {f"has the values {sorted(values)}"} if values != self._values[name] else set()
            self.found.setdefault(name, set()).update(faults)
            return
        place = f"{name} {direction}" if ours == name else f"{name}, our {ours}, {direction}"
        if place in self.found:
            return
        self.found[place] = set()  # before its members, that may hold it again
        self.found[place] |= set(self._members(name, component, direction))

    def _members(self, name: str, component: dict[str, Any], direction: str) -> Iterator[str]:
        members, required = component.get("properties", {}), set(component.get("required", ()))
        typed = self._typed[name]
        for other in members.keys() - typed.keys():
            yield f"has {other}, which is not in the contract"
        for member in typed.values():
            if member.name not in members:
                # Clients send back all that they received: much of it counts for nothing.
                if direction == _RECEIVED or name not in self._answers:
                    yield f"lacks {member.name}"
                continue
            schema = members[member.name]
            if direction == _SENT and member.name in required and not member.required:
                yield f"requires {member.name}"
            if direction == _RECEIVED and member.required and member.name not in required:
                yield f"may lack {member.name}"
            yield from self._kind(member.kind, schema, member.name, direction)


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _uuids(path: str) -> list[bool]:
    return [found.endswith(":uuid}") for found in re.findall(r"\{[^}]*\}", path)]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema


def _bounds(wanted: Kind, schema: dict[str, Any], where: str) -> Iterator[str]:
    """Refusing what the contract allows is a fault; allowing more is not."""
    if wanted.most is not None and schema.get("maxLength", wanted.most) < wanted.most:
        yield f"{where} has at most {schema['maxLength']} characters"
    if wanted.name in {"str", "email"} and schema.get("minLength", 0) > max(wanted.least or 0, 1):
        yield f"{where} has at least {schema['minLength']} characters"
