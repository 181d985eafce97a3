"""A place outlives its process: renewed in turns, with streams told goodbye and nothing lost."""

import os
from contextlib import suppress

import pytest
import trio

from tests.dacha.world import feature
from tests.roles.workers_world import (
    WAIT_SECONDS,
    Parent,
    ends_with_goodbye,
    eventually,
    of,
    parent_of_workers,
    polled,
    versions_heard,
)


async def heard_everywhere(parent: Parent) -> None:
    """Return when polls tell what was published, whoever is asked."""
    with trio.fail_after(WAIT_SECONDS):
        in_a_row = 0
        while in_a_row < 10:
            told = await polled(parent) == (200, {"feature-1": False})
            in_a_row = in_a_row + 1 if told else 0


async def test_renewed_workers_are_replaced_in_turns_and_all_but_one_serve_throughout() -> None:
    async with parent_of_workers(count=3, edge={"grace_seconds": 1}) as parent:
        before = parent.pids()
        streams = await parent.streams_on_every_worker()
        fewest = 3
        parent.workers.renew()
        with trio.fail_after(3 * WAIT_SECONDS):
            while set(parent.pids()) & set(before) or not all(
                each.is_ready for each in parent.workers.each()
            ):
                fewest = min(fewest, sum(each.is_ready for each in parent.workers.each()))
                # Whoever connects while a listener is being closed may be reset (decision 0006).
                with suppress(OSError, trio.BrokenResourceError):
                    assert await polled(parent) == (200, {"feature-1": True})
        assert fewest == 2
        for stream in streams:
            await ends_with_goodbye(stream)
        assert [each.starts for each in parent.workers.each()] == [2, 2, 2]
        # What was counted is not forgotten with the process that counted it.
        assert parent.workers.statistics().accepted >= len(streams)
        await parent.publish(feature(value_version=2, value=b"false"))
        await heard_everywhere(parent)


async def test_what_is_published_meanwhile_reaches_whoever_comes_back() -> None:
    async with parent_of_workers() as parent:
        victim = parent.pids()[0]
        streams = await parent.streams_on_every_worker()
        kept = of(parent.pids()[1], parent, streams)
        parent.workers.renew()
        await eventually(lambda: victim not in parent.pids())
        await parent.publish(feature(value_version=2, value=b"false"))
        for stream in kept:
            # Its worker may have been renewed before it was told; then it comes back.
            name, version = await versions_heard(stream)
            assert (name, version) == ("feature", 2) or name in {"bye", "end"}
        await heard_everywhere(parent)


async def test_drained_in_the_middle_of_a_renewal_all_end() -> None:
    async with parent_of_workers(count=3) as parent:
        parent.workers.renew()
        await eventually(lambda: not all(each.is_ready for each in parent.workers.each()))


async def test_more_workers_than_processors_stand_back_behind_their_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for processors, niceness in ((2, 0), (1, 5)):
        monkeypatch.setattr("os.cpu_count", lambda: processors)  # noqa: B023  asked in this turn
        async with parent_of_workers(count=2) as parent:
            found = {os.getpriority(os.PRIO_PROCESS, pid) for pid in parent.pids()}
            assert found == {min(own + niceness, 19)}
