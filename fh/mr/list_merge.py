"""Writing a list on top of what others made of it meanwhile: a three-way merge by identity.

Source: section 5.6.2 of the admin contract, steps 2 to 4.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fh.mr.errors import VersionConflict

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class ListMerge(Generic[ItemT]):
    """How items are told apart, and what makes two of them the same.

    Attributes:
        what: The list, for whoever is refused.
        identity: Unique in each list.
        meaning: Equal for items that mean the same.
    """

    what: str
    identity: Callable[[ItemT], Hashable]
    meaning: Callable[[ItemT], object]

    def merged(
        self, base: Sequence[ItemT], current: Sequence[ItemT], sent: Sequence[ItemT]
    ) -> tuple[ItemT, ...]:
        """Return what becomes of `current` when `sent` was made from `base`.

        Raises:
            VersionConflict: somebody else changed the same item, or took it away.
        """
        known = {self.identity(item): self.meaning(item) for item in base}
        result = list(current)
        added = False
        for index, item in enumerate(sent):
            identity, meaning = self.identity(item), self.meaning(item)
            place = self._place(result, identity)
            if identity not in known:
                if place is None:
                    result.insert(min(index, len(result)), item)
                    added = True
                elif self.meaning(result[place]) != meaning:
                    raise VersionConflict(self.what)
                # else this very request came before, and its answer was lost
            elif known[identity] == meaning:
                pass  # not touched by this client, so left as it is now, or gone
            elif place is None:
                raise VersionConflict(self.what)
            elif self.meaning(result[place]) == known[identity]:
                result[place] = item
            elif self.meaning(result[place]) != meaning:
                raise VersionConflict(self.what)
        wanted = [self.identity(item) for item in sent]
        result = [
            item
            for item in result
            if self.identity(item) not in known or self.identity(item) in wanted
        ]
        kept = [identity for identity in map(self.identity, base) if identity in wanted]
        if not added and wanted == kept:
            return tuple(result)  # this client only took some away: the others' order stands
        return self._in_order(result, wanted)

    def same(self, one: Sequence[ItemT], other: Sequence[ItemT]) -> bool:
        """Return whether two lists mean the same."""
        return list(map(self._entry, one)) == list(map(self._entry, other))

    def _entry(self, item: ItemT) -> tuple[Hashable, object]:
        return self.identity(item), self.meaning(item)

    def _place(self, items: Sequence[ItemT], identity: Hashable) -> int | None:
        for place, item in enumerate(items):
            if self.identity(item) == identity:
                return place
        return None

    def _in_order(self, items: Sequence[ItemT], wanted: Sequence[Hashable]) -> tuple[ItemT, ...]:
        """Return first those that are `wanted`, in that order, then what others added."""
        by_identity = {self.identity(item): item for item in items}
        first = [by_identity[one] for one in wanted if one in by_identity]
        rest = [item for item in items if self.identity(item) not in wanted]
        return (*first, *rest)
