import os
import time

import pytest
import trio

from bench.live.sampling import program_of, sampling, take_sample
from bench.live.server import LiveServer


def test_each_program_of_a_server_is_seen_with_its_files_and_its_memory(party_server):
    deadline = time.monotonic() + 20
    # Those of tests before this one may still be on their way out.
    while (sample := take_sample(party_server.server, 1.5, 3.0)).streams != 0:
        assert time.monotonic() < deadline, sample
    assert set(sample.resident_bytes) >= {"party-server", "postgres"}
    assert sample.resident_bytes["party-server"] > 10_000_000
    assert sample.descriptors["party-server"] > 10
    assert sample.processor_seconds > 0
    assert sample.slow == 0
    assert sample.evicted is not None
    assert (sample.at, sample.load) == (1.5, 3.0)


def test_of_a_server_of_others_only_its_process_is_seen():
    sample = take_sample(LiveServer("h", 1, "", pid=os.getpid()), 0.0)
    assert len(sample.resident_bytes) == 1
    assert sample.streams is None
    assert take_sample(LiveServer("h", 1, ""), 0.0).resident_bytes == {}


def test_a_process_that_is_gone_is_no_program():
    with pytest.raises(OSError, match="No such"):
        program_of(1 << 30)


async def test_samples_are_taken_as_long_as_the_block_lasts(party_server):
    with trio.fail_after(60):
        async with sampling(party_server.server, lambda: 7.0) as samples:
            while len(samples.taken) < 2:  # noqa: ASYNC110  one a second
                await trio.sleep(0.01)
    first, second, *_ = samples.taken
    assert first.at < second.at
    assert second.load == 7.0
    assert samples.settled() == samples.taken[len(samples.taken) // 5 :]
