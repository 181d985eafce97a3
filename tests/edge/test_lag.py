"""How late the loop is, measured in it."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from fh.edge.lag import LagMeter, LoopLag


def test_the_latest_is_forgotten_after_half_a_minute() -> None:
    meter = LagMeter()
    found = []
    for late_seconds, now in [(0.2, 0), (0.5, 10), (0.1, 20), (0.3, 39), (0.0, 41), (0.0, 70)]:
        meter.note(late_seconds, now)
        found.append(meter.lag().most_seconds)
    assert found == [0.2, 0.5, 0.5, 0.5, 0.3, 0.0]


def test_loops_together_are_as_late_as_the_latest() -> None:
    first, second = LagMeter(), LagMeter()
    first.note(0.2, 0)
    second.note(0.7, 0)
    both = first.lag() + second.lag()
    assert both.most_seconds == 0.7
    assert both.durations == first.lag().durations + second.lag().durations
    assert both + LoopLag() == both


async def test_a_timer_that_fires_late_is_seen(
    mock_clock: MockClock, nursery: trio.Nursery
) -> None:
    meter = LagMeter()
    await nursery.start(meter.run)
    await wait_all_tasks_blocked()
    mock_clock.jump(0.35)
    await wait_all_tasks_blocked()
    assert meter.lag().most_seconds == pytest.approx(0.25)
    nursery.cancel_scope.cancel()


async def test_an_idle_loop_is_not_late(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    meter = LagMeter()
    await nursery.start(meter.run)
    await trio.sleep(10.05)
    assert sum(meter.lag().durations.counts) == 100
    assert meter.lag().most_seconds < 1e-6
    nursery.cancel_scope.cancel()
