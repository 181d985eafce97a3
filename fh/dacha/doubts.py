"""What was known when events may have been missed, until the truth was asked for it again.

Each time begins a generation: whatever is known then is in doubt, and a load settles that only if
it began in the same generation. So each entry is loaded once for each generation, by whoever comes
first: the refresher, or a cache behind that must not be given anything in doubt. What an entry was
before is kept until the refresher has told followers how it changed. Pure.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Doubts(Generic[K, V]):
    """Keys in doubt, and what followers were told of them last.

    Attributes:
        generation: How often events may have been missed.
    """

    __slots__ = ("_before", "_doubted", "generation")

    def __init__(self) -> None:
        self.generation = 0
        self._doubted: set[K] = set()
        self._before: dict[K, V] = {}

    def begin(self, known: Iterable[K]) -> None:
        """Doubt all that is known: a generation begins."""
        self.generation += 1
        self._doubted.update(known)

    def note(self, key: K, before: V) -> None:
        """Keep what `key` is, before a load may change it; nothing while it is not in doubt."""
        if key in self._doubted:
            self._before.setdefault(key, before)

    def settle(self, key: K, asked: int) -> None:
        """Know `key` from a load that began in generation `asked`."""
        if asked == self.generation:
            self._doubted.discard(key)
        else:
            self._doubted.add(key)

    def gone(self, key: K) -> None:
        """Doubt `key` no more: it does not exist, which followers may still have to be told."""
        self._doubted.discard(key)

    def forget(self, key: K) -> None:
        """Know nothing of `key` any more."""
        self._doubted.discard(key)
        self._before.pop(key, None)

    def take(self, key: K) -> V | None:
        """Return what followers were told last of `key`, once; None if that still holds."""
        return self._before.pop(key, None)

    @property
    def untold(self) -> Sequence[K]:
        """The keys of which followers have to be told."""
        return tuple(self._before)

    def __contains__(self, key: K) -> bool:
        return key in self._doubted

    def __len__(self) -> int:
        return len(self._doubted)
