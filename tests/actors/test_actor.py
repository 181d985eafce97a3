"""The base class by itself."""

import pytest

from fh.actors.actor import Actor
from fh.actors.testing import start


class Doubler(Actor[list[int]]):
    def react(self, message):
        message.append(message[-1] * 2)


async def test_receive_reacts_unless_overridden():
    numbers = [21]
    await Doubler().receive(numbers)
    assert numbers == [21, 42]


async def test_an_actor_that_overrides_nothing_crashes_on_its_first_message():
    with pytest.raises(NotImplementedError):
        await Actor().receive("anything")


async def test_starting_and_stopping_do_nothing_by_default(nursery):
    ref = start(nursery, "doubler", Doubler())
    await Doubler().started(ref)
    await Doubler().stopped()
