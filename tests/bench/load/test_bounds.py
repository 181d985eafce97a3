import resource

import pytest

from bench.load.bounds import (
    DESCRIPTOR_HEADROOM,
    MOST_STREAMS,
    STREAMS_PER_ADDRESS,
    OutOfBounds,
    require_bounded,
    require_descriptors,
    require_local,
    source_address,
    streams_per_process,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_a_loopback_address_is_accepted(host):
    assert require_local(host, 80, allow_remote=False) == host


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0", "2001:db8::1"])
def test_a_foreign_address_is_refused(host):
    with pytest.raises(OutOfBounds, match="--allow-remote"):
        require_local(host, 80, allow_remote=False)


def test_a_foreign_address_is_accepted_on_demand():
    assert require_local("192.0.2.1", 80, allow_remote=True) == "192.0.2.1"


@pytest.mark.parametrize(("streams", "seconds"), [(0, 1), (MOST_STREAMS + 1, 1), (1, 0), (1, 1e6)])
def test_an_unbounded_run_is_refused(streams, seconds):
    with pytest.raises(OutOfBounds):
        require_bounded(streams, seconds)


def test_the_soft_limit_of_descriptors_is_raised_to_the_hard_one():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
        fit = streams_per_process()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
        assert fit in {hard - DESCRIPTOR_HEADROOM, MOST_STREAMS}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_streams_than_descriptors_are_refused_unless_processes_share_them():
    fit = streams_per_process()
    require_descriptors(fit)
    require_descriptors(fit + 1, processes=2)
    with pytest.raises(OutOfBounds, match="ulimit"):
        require_descriptors(fit + 1)


def test_each_block_of_streams_has_a_source_address_of_its_own():
    assert source_address("127.0.0.1", STREAMS_PER_ADDRESS - 1) == "127.0.0.1"
    assert source_address("127.0.0.1", STREAMS_PER_ADDRESS) == "127.0.0.2"


@pytest.mark.parametrize("target", ["::1", "192.0.2.1"])
def test_elsewhere_the_kernel_chooses_the_source_address(target):
    assert source_address(target, 5) is None
