"""Writing a list on top of what others made of it meanwhile: a three-way merge by identity.

A meaning may take an encoding, so none is asked for twice; and a list may be long, so nothing in it
is searched for item by item.

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
        there = {self.identity(item): item for item in current}
        wanted = [self.identity(item) for item in sent]
        result = list(current)
        changed: dict[Hashable, ItemT] = {}
        added = False
        for index, (identity, item) in enumerate(zip(wanted, sent, strict=True)):
            meaning = self.meaning(item)
            if identity not in known:
                if identity not in there:
                    result.insert(min(index, len(result)), item)
                    there[identity] = item
                    added = True
                elif self.meaning(there[identity]) != meaning:
                    raise VersionConflict(self.what)
                # else this very request came before, and its answer was lost
            elif known[identity] == meaning:
                pass  # not touched by this client, so left as it is now, or gone
            elif identity not in there:
                raise VersionConflict(self.what)
            elif (theirs := self.meaning(there[identity])) == known[identity]:
                there[identity] = changed[identity] = item
            elif theirs != meaning:
                raise VersionConflict(self.what)
        stays = set(wanted)
        result = [
            changed.get(identity, item)
            for identity, item in ((self.identity(item), item) for item in result)
            if identity not in known or identity in stays
        ]
        if not added and wanted == [identity for identity in known if identity in stays]:
            return tuple(result)  # this client only took some away: the others' order stands
        return self._in_order(result, wanted)

    def same(self, one: Sequence[ItemT], other: Sequence[ItemT]) -> bool:
        """Return whether two lists mean the same."""
        return len(one) == len(other) and all(map(self._is_same, one, other))

    def _is_same(self, item: ItemT, other: ItemT) -> bool:
        return item is other or (
            self.identity(item) == self.identity(other)
            and self.meaning(item) == self.meaning(other)
        )

    def _in_order(self, items: Sequence[ItemT], wanted: Sequence[Hashable]) -> tuple[ItemT, ...]:
        """Return first those that are `wanted`, in that order, then what others added."""
        by_identity = {self.identity(item): item for item in items}
        first = [by_identity[one] for one in wanted if one in by_identity]
        named = set(wanted)
        rest = [item for item in items if self.identity(item) not in named]
        return (*first, *rest)
