"""The contract of the admin API as it was typed from its description, read from `facts/*.txt`."""

import re
from dataclasses import dataclass, field
from pathlib import Path

FACTS = Path(__file__).parent / "facts"
REASON = "  # "

_MEMBER = re.compile(r"(?P<ignored>~?)(?P<name>\w+)(?P<required>\*?):(?P<rest>.+)")
_KIND = re.compile(
    r"(?P<kind>[\w<>,]+)(?P<array>(\[\])?)(\((?P<least>\d*)\.\.(?P<most>\d+)\))?"
    r"(?P<nullable>\??)(=(?P<default>[^!]+))?(?P<deprecated>(!deprecated)?)"
)


@dataclass(frozen=True)
class Kind:
    """A type: `name` is a scalar's, a schema's or an enumeration's."""

    name: str
    array: bool = False
    least: int | None = None
    most: int | None = None
    default: str | None = None


@dataclass(frozen=True)
class Member:
    name: str
    kind: Kind
    required: bool = False
    ignored: bool = False


@dataclass
class Operation:
    name: str
    method: str
    path: str
    public: bool = False
    deprecated: bool = False
    tag: str | None = None
    query: list[Member] = field(default_factory=list)
    body: Kind | None = None
    answer: Kind | None = None
    statuses: set[int] = field(default_factory=set)


def kind_of(text: str) -> Kind:
    found = _KIND.fullmatch(text)
    assert found is not None, text
    return Kind(
        found["kind"],
        bool(found["array"]),
        int(found["least"]) if found["least"] else None,
        int(found["most"]) if found["most"] else None,
        found["default"],
    )


def member_of(text: str) -> Member:
    found = _MEMBER.fullmatch(text)
    assert found is not None, text
    kind = kind_of(found["rest"])
    return Member(found["name"], kind, bool(found["required"]), bool(found["ignored"]))


def _lines(pattern: str) -> list[str]:
    """Return the lines that say something, of all files together."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(FACTS.glob(pattern))]
    assert texts, pattern
    lines = "\n".join(texts).splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def operations() -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for line in _lines("operations_*.txt"):
        if not line.startswith(" "):
            name, method, path, *words = line.split()
            assert name not in found, name
            current = found[name] = Operation(name, method, path)
            current.public, current.deprecated = "public" in words, "deprecated" in words
            current.tag = next((one[4:] for one in words if one.startswith("tag=")), None)
            continue
        sign, *words = line.split()
        match sign:
            case "?":
                current.query += map(member_of, words)
            case ">":
                current.body = kind_of(words[0])
            case "<":
                current.answer = kind_of(words[0])
            case "!":
                current.statuses = set(map(int, words))
            case _:
                raise AssertionError(line)
    return found


def schemas() -> dict[str, dict[str, Member]]:
    """Return the members of all schemas, with those of the schemas that they are composed with."""
    bases: dict[str, list[str]] = {}
    own: dict[str, list[Member]] = {}
    name = ""
    for line in _lines("schemas_*.txt"):
        if line.startswith(" "):
            own[name] += map(member_of, line.split())
        else:
            name, _, composed = line.partition(" < ")
            assert name not in own, name
            own[name], bases[name] = [], composed.split()

    def members(schema: str) -> dict[str, Member]:
        inherited = [member for base in bases[schema] for member in members(base).values()]
        return {member.name: member for member in [*inherited, *own[schema]]}

    return {schema: members(schema) for schema in own}


def enumerations() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    name = ""
    for line in _lines("enumerations.txt"):
        if line.startswith(" "):
            found[name] |= set(line.split())
        else:
            name = line
            found[name] = set()
    return found


def differences() -> dict[str, set[str]]:
    """Return what is known to differ from the contract, by operation or schema."""
    found: dict[str, set[str]] = {}
    for line in reasons():
        name, _, what = line.partition(": ")
        found.setdefault(name, set()).add(what)
    return found


def reasons() -> dict[str, str]:
    """Return why each line of the list of differences stays in it."""
    parted = (line.partition(REASON) for line in _lines("differences.txt"))
    return {line: reason for line, _, reason in parted}
