"""Whatever admins do, in any order: MR says so, announces it, and Edge serves it.

`FH_STATEFUL_SECONDS` is how long new orders are tried; then what fails is made smaller, too. Where
nothing is said it is a few orders, and one is shown as it was found.
"""

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.mr.stateful.people import People
from tests.mr.stateful.world import open_world
from tests.mr.turns import seconds_for, turns

TURNS = 2
SECONDS = seconds_for("FH_STATEFUL_SECONDS")


@pytest.mark.postgres
@pytest.mark.timeout(SECONDS + 600)
def test_whatever_admins_do(tmp_path):
    once = settings(
        max_examples=8,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if SECONDS else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    with open_world(tmp_path) as world:
        machine = type("Everybody", (People,), {"world": world})
        for turn in turns(TURNS, SECONDS):
            if turn is not None:
                machine = seed(turn)(machine)
            run_state_machine_as_test(machine, settings=once)
