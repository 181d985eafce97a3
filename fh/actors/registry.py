"""A registry: finds a living actor by key."""

from collections.abc import KeysView
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from fh.actors.errors import NameTaken

if TYPE_CHECKING:
    from fh.actors.monitor import Ended
    from fh.actors.ref import Ref

K = TypeVar("K")
M = TypeVar("M")


class Registry(Generic[K, M]):
    """Key → ref. An entry vanishes in the same step in which its actor ends for good."""

    __slots__ = ("_refs",)

    def __init__(self) -> None:
        self._refs: dict[K, Ref[M]] = {}

    def register(self, key: K, ref: "Ref[M]") -> None:
        """Let `find(key)` return `ref` as long as its actor lives.

        Raises:
            NameTaken: a living actor is registered under `key`.
        """
        if key in self._refs:
            raise NameTaken(key)
        self._refs[key] = ref
        ref.when_ended(partial(self._forget, key))  # at once if it has ended

    def _forget(self, key: K, _ended: "Ended") -> None:
        del self._refs[key]

    def find(self, key: K) -> "Ref[M] | None":
        """Return the living actor registered under `key`, if there is one."""
        return self._refs.get(key)

    def __len__(self) -> int:
        return len(self._refs)

    def keys(self) -> KeysView[K]:
        """Return a live view of the keys."""
        return self._refs.keys()
