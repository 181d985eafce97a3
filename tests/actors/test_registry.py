"""Entries end with their actors."""

import pytest

from fh.actors.errors import NameTaken
from fh.actors.registry import Registry
from fh.actors.testing import Probe, start


async def test_an_entry_vanishes_with_its_actor(nursery):
    registry = Registry()
    ref = start(nursery, "env", Probe())
    registry.register(1, ref)
    assert registry.find(1) == ref
    assert len(registry) == 1
    assert list(registry.keys()) == [1]

    ref.stop()
    assert registry.find(1) is None
    assert len(registry) == 0


async def test_a_key_is_taken_while_its_actor_lives(nursery):
    registry = Registry()
    first, second = (start(nursery, name, Probe()) for name in ("first", "second"))
    registry.register("key", first)
    with pytest.raises(NameTaken) as caught:
        registry.register("key", second)
    assert caught.value.name == "key"

    first.stop()
    registry.register("key", second)
    assert registry.find("key") == second


async def test_an_ended_actor_can_not_be_found(nursery):
    registry = Registry()
    ref = start(nursery, "env", Probe())
    ref.stop()
    registry.register("key", ref)
    assert registry.find("key") is None
