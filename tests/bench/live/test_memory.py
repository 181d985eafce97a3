import pytest
import trio
import trio.lowlevel

from bench.live.memory import MemoryLow, available_bytes, guarded_memory


def test_the_machine_tells_what_is_available():
    assert available_bytes() > 1_000_000


async def test_a_run_that_leaves_enough_is_watched():
    async with guarded_memory(1) as watch:
        await trio.lowlevel.checkpoint()
        while not watch.seen:  # noqa: ASYNC110  the watch looks at its own pace
            await trio.sleep(0.001)
    assert watch.least_bytes <= watch.before_bytes
    assert watch.taken_bytes >= 0
    assert watch.seen[0][1] > 0


async def test_a_run_that_leaves_too_little_is_ended():
    with trio.fail_after(10):
        with pytest.raises(BaseExceptionGroup) as ended:
            async with guarded_memory(1 << 60):
                await trio.sleep_forever()
    assert ended.group_contains(MemoryLow, match="ended before")
