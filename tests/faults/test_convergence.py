"""Whatever fails, everybody holds in the end what MR holds, and nobody is told nonsense on the way.

A few faults with 200 streams by default. With FH_FAULTS=quick each, in a deployment of its own;
with FH_FAULTS=full with 1,000 streams and 10,000 polls, and the report in bench/reports.
"""

from pathlib import Path

import pytest

from tests.faults import disk, frozen, killed, last_known, nats, starting, ways
from tests.faults.endure import Fault, endure, judge
from tests.faults.extent import FULL, LONG_SECONDS, SIZE
from tests.faults.report import write
from tests.faults.shape import Disk, DiskRefused
from tests.faults.world import World, open_world

pytestmark = pytest.mark.e2e

REPORT = Path(__file__).parents[2] / "bench" / "reports" / "faults"
FEW = ("MR kill -9", "Edge kill -9", "the bus loses")
FAULTS = {
    **killed.FAULTS,
    **nats.FAULTS,
    **frozen.FAULTS,
    **ways.FAULTS,
    **disk.FAULTS,
    **last_known.FAULTS,
    **starting.FAULTS,
}
NAMES = (*FAULTS, *starting.ORDERS)


@pytest.fixture
def fault(tmp_path: Path, name: str) -> Fault:
    """The fault of that name, where it can be done."""
    fault = FAULTS[name]
    if fault.shape.small_disk is not None:
        try:
            Disk(tmp_path / "probe", megabytes=1).discard()
        except DiskRefused as refusal:
            pytest.skip(f"there can be no small disk: {refusal}")
    return fault


async def expect_recovery(world: World, name: str, fault: Fault) -> None:
    row = await endure(world, name, fault)
    if FULL:
        write(row, REPORT, NAMES)
    judge(world, fault, row)


async def test_a_few_faults_one_after_the_other(tmp_path: Path) -> None:
    async with open_world(tmp_path, SIZE) as world:
        for name in FEW:
            await expect_recovery(world, name, FAULTS[name])


@pytest.mark.faults
@pytest.mark.timeout(240 + LONG_SECONDS)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault(tmp_path: Path, name: str, fault: Fault) -> None:
    async with open_world(tmp_path, SIZE, fault.shape) as world:
        await expect_recovery(world, name, fault)


@pytest.mark.faults
@pytest.mark.timeout(1800)
async def test_every_order_of_starting(tmp_path: Path) -> None:
    async with open_world(tmp_path, SIZE) as world:
        for name, fault in starting.ORDERS.items():
            await expect_recovery(world, name, fault)
