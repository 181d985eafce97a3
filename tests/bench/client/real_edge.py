"""A real Edge in a process of its own, with one key, one feature that changes, and no MR."""

import sys
from collections.abc import Iterator

import pytest

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import ENVIRONMENT_ID, SECRET
from bench.load.marker import padded_value

KEY = f"{ENVIRONMENT_ID}/{SECRET}"


def edge() -> Contestant:
    command = [sys.executable, "-m", "bench.edge_host"]
    return Contestant(
        Entry("fh", command, "event: features", lambda number: padded_value(number, 60).encode()),
        start_seconds=60,
    )


@pytest.fixture(scope="module")
def real_edge() -> Iterator[Contestant]:
    with edge() as running:
        yield running


def url_of(running: Contestant) -> str:
    return f"http://{running.host}:{running.port}"
