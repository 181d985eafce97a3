"""Which route a request means.

Paths are cut into segments before they are percent-decoded, so a feature's key may hold a slash
(`%2F`). Fixed segments win over parameters.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fh.http.routing import AnyRoute, Parameter

_UUID_CHARACTERS = 36


@dataclass(frozen=True, slots=True)
class Matched:
    """The route, and its path parameters."""

    route: AnyRoute
    path: Mapping[str, UUID | str]


@dataclass(frozen=True, slots=True)
class WrongMethod:
    """The path exists, but only for these methods."""

    allowed: Sequence[str]


@dataclass(frozen=True, slots=True)
class NoSuchPath:
    """No route has such a path."""


@dataclass(frozen=True, slots=True)
class BadText:
    """A segment is not UTF-8, or holds a NUL."""


@dataclass(frozen=True, slots=True)
class BadIdentifier:
    """A segment that must be a UUID is none; to a client there is nothing under such a path."""

    route: AnyRoute


Match: TypeAlias = Matched | WrongMethod | NoSuchPath | BadText | BadIdentifier


@dataclass(slots=True)
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    variable: "_Node | None" = None
    routes: dict[str, AnyRoute] = field(default_factory=dict)


class RouteTable:
    """Routes by path and method; filled once, then only read."""

    def __init__(self, routes: Iterable[AnyRoute]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def match(self, method: str, raw_path: bytes) -> Match:
        """Return what `raw_path`, still percent-encoded and without query, means."""
        # One slash at the end is forgiven, as Jersey does.
        raw = raw_path.removeprefix(b"/").removesuffix(b"/").split(b"/")
        try:
            segments = [unquote_to_bytes(segment).decode() for segment in raw]
        except UnicodeDecodeError:
            return BadText()
        if any("\0" in segment for segment in segments):
            return BadText()
        allowed: set[str] = set()
        for node in _nodes(self._root, segments):
            if route := node.routes.get("GET" if method == "HEAD" else method):
                return _matched(route, segments)
            allowed.update(node.routes)
        return WrongMethod(sorted(allowed)) if allowed else NoSuchPath()

    def _add(self, route: AnyRoute) -> None:
        node = self._root
        for segment in route.segments:
            if isinstance(segment, Parameter):
                if node.variable is None:
                    node.variable = _Node()
                node = node.variable
            else:
                node = node.fixed.setdefault(segment, _Node())
        assert route.method not in node.routes, f"{route.method} {route.path} is declared twice"
        node.routes[route.method] = route


def _nodes(node: _Node, segments: Sequence[str]) -> Iterator[_Node]:
    if not segments:
        if node.routes:
            yield node
        return
    head, rest = segments[0], segments[1:]
    if head in node.fixed:
        yield from _nodes(node.fixed[head], rest)
    if node.variable is not None and head:
        yield from _nodes(node.variable, rest)


def _matched(route: AnyRoute, segments: Sequence[str]) -> Matched | BadIdentifier:
    path: dict[str, UUID | str] = {}
    for declared, given in zip(route.segments, segments, strict=True):
        if not isinstance(declared, Parameter):
            continue
        if not declared.is_uuid:
            path[declared.name] = given
        elif (identifier := parse_uuid(given)) is None:
            return BadIdentifier(route)
        else:
            path[declared.name] = identifier
    return Matched(route, path)


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that `text` is in its canonical form, or None."""
    if len(text) != _UUID_CHARACTERS:
        return None
    try:
        identifier = UUID(text)
    except ValueError:
        return None
    # UUID() also takes braces, prefixes and hyphens in odd places.
    return identifier if str(identifier) == text.lower() else None
