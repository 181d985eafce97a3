"""What was made of views of Dacha's: kept for as long as they are current, within bounds."""

import weakref
from array import array
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature

V = TypeVar("V")

_SLOTS: Final = 1 << 14

_Key: TypeAlias = tuple[int, Hashable]


class _Current(weakref.ref[Granted]):
    """Tells when a view is gone."""

    __slots__ = ("key",)
    key: _Key


class _Entry(NamedTuple, Generic[V]):
    """What was made; `features` keeps the identity that it is found by."""

    features: tuple[CacheEnvironmentFeature, ...]
    current: _Current
    value: V
    size: int


class PerView(Generic[V]):
    """Values by view and purpose, bounded in number and in bytes.

    Views that show the same share their tuple of features, so its identity is the key; the entry
    keeps the tuple alive, so the identity can't be given to another. The entry goes with the view
    that it was made for: after each change of a feature nobody asks for the old one again.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_bytes",
        "_capacity",
        "_capacity_bytes",
        "_entries",
        "_on_gone",
    )

    def __init__(self, *, capacity: int = 10_000, capacity_bytes: int = 64 * 1024 * 1024) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._entries: OrderedDict[_Key, _Entry[V]] = OrderedDict()
        self._bytes = 0
        # Hashes of what was asked for lately. Two share a slot at times, and one is forgotten.
        self._asked = array("q", bytes(8 * _SLOTS))
        this = weakref.ref(self)

        def on_gone(current: weakref.ref[Granted]) -> None:
            views = this()
            if views is not None and isinstance(current, _Current):
                views._forget(current)  # noqa: SLF001 - its own

        self._on_gone = on_gone

    def find(self, view: Granted, purpose: Hashable) -> V | None:
        """Return what was kept for `view`, or for another that shows the same."""
        key = (id(view.features), purpose)
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.value

    def was_asked(self, view: Granted, purpose: Hashable) -> bool:
        """Return whether this was called lately for the same; from now on it was.

        What nobody asks for twice is not worth its memory.
        """
        number = hash((id(view.features), purpose))
        slot = number & (_SLOTS - 1)
        if self._asked[slot] == number:
            return True
        self._asked[slot] = number
        return False

    def keep(self, view: Granted, purpose: Hashable, value: V, size: int) -> None:
        """Keep `value`, which weighs `size` bytes, for `view`."""
        key = (id(view.features), purpose)
        current = _Current(view, self._on_gone)
        current.key = key
        self._drop(key)
        self._entries[key] = _Entry(view.features, current, value, size)
        self._bytes += size
        while len(self._entries) > self._capacity or self._bytes > self._capacity_bytes:
            self._drop(next(iter(self._entries)))

    def __len__(self) -> int:
        return len(self._entries)

    def _forget(self, current: _Current) -> None:
        entry = self._entries.get(current.key)
        if entry is not None and entry.current is current:
            self._drop(current.key)

    def _drop(self, key: _Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
