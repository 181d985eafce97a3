"""Whatever admins do, in any order: MR says so, announces it, and Edge serves it.

`FH_STATEFUL_SECONDS` is how long new orders are tried; then what fails is made smaller, too. Where
nothing is said it is 20 seconds, and an order is shown as it was found.
"""

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.mr.stateful.people import People
from tests.mr.stateful.world import open_world

SECONDS = float(os.environ.get("FH_STATEFUL_SECONDS", "20"))
SHRINKS = "FH_STATEFUL_SECONDS" in os.environ


@pytest.mark.postgres
@pytest.mark.timeout(SECONDS + 600)
def test_whatever_admins_do(tmp_path):
    deadline = time.monotonic() + SECONDS
    once = settings(
        max_examples=8,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if SHRINKS else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    with open_world(tmp_path) as world:
        machine = type("Everybody", (People,), {"world": world})
        while time.monotonic() < deadline:
            run_state_machine_as_test(machine, settings=once)
