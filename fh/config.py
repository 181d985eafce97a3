"""Settings: one frozen class a role, read once at the start, every fault reported together.

A property `a.b-c` is looked for in the environment under its own name, in the properties file,
then in the environment as `A.B-C` and as `A_B_C`; what the command line says comes first.

Source: section 8.1 of the data plane's contract.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fh.errors import FeatureHubError

T = TypeVar("T")

_KEY = "property"
_REFERENCE = re.compile(r"\{([^}]+)\}")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_BLANK = " \t\f"
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATOR = re.compile(
    r"(?P<name>(?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(?P<value>.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows in no log and in no repr."""

    reveal: str = ""

    def __repr__(self) -> str:
        return "Secret(…)" if self.reveal else "Secret()"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Property:
    """What a setting is called, how its text is read, and what it is for.

    `a.{b.c}` is called as the value of property `b.c` says.
    """

    name: str
    parse: Callable[[str], Any]
    summary: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the configuration."""

    property: str
    reason: str

    def __str__(self) -> str:
        return f"{self.property}: {self.reason}"


class ConfigurationFaults(FeatureHubError):
    """The settings can't be used; `faults` lists everything that is wrong with them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def setting(name: str, default: T, parse: Callable[[str], T], summary: str) -> T:
    """Declare the field of a settings class that property `name` fills."""
    field: T = dataclasses.field(default=default, metadata={_KEY: Property(name, parse, summary)})
    return field


def shared_setting(settings: type[Any], name: str) -> Any:
    """Declare a field that the same property fills as field `name` of another settings class."""
    (found,) = (field for field in dataclasses.fields(settings) if field.name == name)
    return dataclasses.field(default=found.default, metadata=found.metadata)


def properties_of(settings: type[Any]) -> Mapping[str, tuple[Property, Any]]:
    """Return each property of a settings class with its default, in order of declaration."""
    fields = [field for field in dataclasses.fields(settings) if _KEY in field.metadata]
    defaults = {field.metadata[_KEY].name: field.default for field in fields}
    return {
        _called(field.metadata[_KEY].name, defaults.get): (field.metadata[_KEY], field.default)
        for field in fields
    }


def shown(default: object) -> str:
    """Return the default of a property as it would be written down; of a secret nothing."""
    match default:
        case Secret():
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(map(str, default))
        case _:
            return str(default)


def load_settings(
    settings: type[T],
    *,
    environ: Mapping[str, str],
    file: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    check: Callable[[T], Sequence[Fault]] = lambda _: (),
) -> T:
    """Return the settings of a role; `check` finds what no single property shows.

    Raises:
        ConfigurationFaults: something can't be read or does not go together.
    """
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    fields = dataclasses.fields(settings)  # type: ignore[arg-type]  # T is a dataclass
    defaults = {field.metadata[_KEY].name: field.default for field in fields}

    def find(name: str) -> str | None:
        return find_text(name, environ=environ, file=file, overrides=overrides)

    for field in fields:
        known: Property = field.metadata[_KEY]
        name = _called(known.name, lambda other: find(other) or defaults[other])
        text = find(name)
        if text is None:
            continue
        try:
            values[field.name] = known.parse(text.strip())
        except ValueError as error:
            faults.append(Fault(name, str(error)))
    result = settings(**values)
    faults += check(result)
    if faults:
        raise ConfigurationFaults(faults)
    return result


def find_text(
    name: str,
    *,
    environ: Mapping[str, str],
    file: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> str | None:
    """Return what was said about a property, or None where nothing was."""
    file, overrides = file or {}, overrides or {}
    upper = name.upper()
    for source, key in (
        (overrides, name),
        (environ, name),
        (file, name),
        (environ, upper),
        (environ, re.sub(r"[.\-]", "_", upper)),
    ):
        if key in source:
            return source[key]
    return None


def read_properties(path: Path) -> dict[str, str]:
    """Return the properties in a file of Java's format.

    Raises:
        ConfigurationFaults: there is no such file, or it can't be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationFaults([Fault(str(path), f"can't be read: {error}")]) from error
    return parse_properties(text)


def parse_properties(text: str) -> dict[str, str]:
    """Return the properties in `text`: `name=value`, comments, escapes, continued lines."""
    found: dict[str, str] = {}
    continued = ""
    for line in _LINE_END.split(text):
        logical = continued + line.lstrip(_BLANK)
        continued = ""
        if not logical or logical[0] in "#!":
            continue
        if (len(logical) - len(logical.rstrip("\\"))) % 2:
            continued = logical[:-1]
            continue
        _add_property(found, logical)
    if continued:
        _add_property(found, continued)
    return found


def text(value: str) -> str:
    """Read any text."""
    return value


def secret(value: str) -> Secret:
    """Read a text that must not be shown."""
    return Secret(value)


def boolean(value: str) -> bool:
    """Read `true` or `false`."""
    match value.lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            raise ValueError(f"expected true or false, not {value!r}")


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Read a whole number within bounds."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", value) or not minimum <= int(value) <= maximum:
            raise ValueError(f"expected a whole number from {minimum} to {maximum}, not {value!r}")
        return int(value)

    return parse


def names(value: str) -> tuple[str, ...]:
    """Read a list separated by commas."""
    return tuple(item for item in (part.strip() for part in value.split(",")) if item)


def secrets(value: str) -> tuple[Secret, ...]:
    """Read several secrets, separated by commas."""
    return tuple(Secret(each) for each in names(value))


def one_of(*choices: str) -> Callable[[str], str]:
    """Read one of a few words."""

    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, not {value!r}")
        return value

    return parse


def header_value(value: str) -> str:
    """Read what may stand in an HTTP header."""
    if not value.isascii() or not value.isprintable():
        raise ValueError("holds a character that a header can't")
    return value


def path(value: str) -> Path:
    """Read a path; `~` is the home directory."""
    if not value:
        raise ValueError("expected a path")
    return Path(value).expanduser()


def _called(pattern: str, value_of: Callable[[str], object]) -> str:
    # Upstream looks for what a name refers to in lower case.
    return _REFERENCE.sub(lambda match: str(value_of(match[1])).strip().lower(), pattern)


def _add_property(found: dict[str, str], logical: str) -> None:
    if match := _SEPARATOR.fullmatch(logical):
        found[_unescaped(match["name"])] = _unescaped(match["value"])


def _unescaped(raw: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) > 1:
            return chr(int(escape[1:], 16))
        return _CONTROL.get(escape, escape)

    # Two escapes of UTF-16 may make up one character.
    units = _ESCAPE.sub(replaced, raw).encode("utf-16", errors="surrogatepass")
    return units.decode("utf-16", errors="replace")
