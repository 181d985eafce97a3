"""What only some actors have is told of their ends."""

import trio

from fh.actors.extras import Extras
from fh.actors.monitor import Ended, Monitor
from fh.actors.reply import Promise


async def test_a_closed_life_fails_its_asks_and_lets_whoever_waits_go_on():
    extras, promise = Extras(), Promise("env")
    promise.enter(extras.promises)
    extras.paused = trio.Event()
    extras.close_life(ValueError("over"))
    assert promise.is_settled
    assert extras.promises == {}
    assert extras.paused.is_set()


async def test_the_end_is_told_once():
    extras, told = Extras(), []
    Monitor(told.append, extras.watchers)
    ended = Ended("env", None)
    extras.end(ended)
    assert told == [ended]
    assert extras.ended_as is ended
    assert extras.ended.is_set()
    assert extras.watchers == {}
