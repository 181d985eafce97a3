"""How much a merge looks at; what comes out of it is tested with feature values."""

from collections import Counter
from dataclasses import dataclass

import pytest

from fh.mr.list_merge import ListMerge

MANY = 500


@dataclass(frozen=True)
class Item:
    name: str
    text: str = "same"


class Name:
    """An identity that counts how often it is compared."""

    compared = 0

    def __init__(self, name: str) -> None:
        self._name = name

    def __hash__(self) -> int:
        return hash(self._name)

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return isinstance(other, Name) and self._name == other._name


ITEMS = [Item(f"item {number}") for number in range(MANY)]
NEW = [Item(f"new {number}") for number in range(MANY)]
CHANGED = [Item(item.name, "changed") for item in ITEMS]


@pytest.mark.parametrize(
    ("current", "sent"),
    [
        pytest.param(ITEMS, ITEMS, id="untouched"),
        pytest.param(ITEMS, ITEMS[::-1], id="reversed"),
        pytest.param(ITEMS, CHANGED[::-1], id="changed and reversed"),
        pytest.param(ITEMS, ITEMS[::2], id="every second taken away"),
        pytest.param([*ITEMS, *NEW], CHANGED, id="others added as many"),
        pytest.param(ITEMS, [*NEW, *ITEMS], id="as many added"),
        pytest.param([*ITEMS, *NEW], [*ITEMS, *NEW], id="sent again"),
    ],
)
def test_a_long_list_is_merged_without_searching_it(current, sent):
    meanings: Counter[int] = Counter()

    def meaning(item):
        meanings[id(item)] += 1
        return item.text

    # Copies, as a client's and the database's are, so that each counts for itself.
    base, current, sent = (
        [Item(item.name, item.text) for item in one] for one in (ITEMS, current, sent)
    )
    merge = ListMerge("list", lambda item: Name(item.name), meaning)
    Name.compared = 0

    result = merge.merged(base, current, sent)

    assert [item.name for item in result[: len(sent)]] == [item.name for item in sent]
    assert max(meanings.values()) == 1
    assert Name.compared < 20 * len(current)


def test_what_stayed_the_same_object_is_not_looked_into():
    merge = ListMerge("list", lambda item: item.name, lambda item: pytest.fail(item.name))
    assert merge.same(ITEMS, ITEMS)
    assert not merge.same(ITEMS, ITEMS[::-1])
    assert not merge.same(ITEMS, ITEMS[1:])


def test_another_text_is_another_list():
    merge = ListMerge("list", lambda item: item.name, lambda item: item.text)
    assert merge.same(ITEMS, [Item(item.name) for item in ITEMS])
    assert not merge.same(ITEMS, CHANGED)
