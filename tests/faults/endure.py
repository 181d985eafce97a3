"""One fault from before it to well after it, and what must hold all the while."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from typing import TypeAlias

import trio

from tests.e2e.role_process import RoleProcess
from tests.faults.footprint import Footprint, footprints, grown
from tests.faults.report import Row
from tests.faults.shape import ORDINARY, Shape
from tests.faults.tenant import FEATURES
from tests.faults.watch import Stream
from tests.faults.world import PATIENCE_SECONDS, World

CONVERGE_SECONDS = 5.0
HEALTH_SECONDS = 1.0
REVOKE_SECONDS = 2.0

_LEAST_UPDATES = 10
_SETTLE_SECONDS = 15.0
_LOOK_SECONDS = 0.5

Act: TypeAlias = Callable[[World], Awaitable[None]]
"""Does its harm, lets it last, and ends it; returns when it has ended."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, in which deployment; `expected` are lines of logs that belong to it."""

    act: Act
    shape: Shape = ORDINARY
    expected: str = ""


async def endure(world: World, name: str, fault: Fault) -> Row:
    """Have `fault` happen while features change; return what came of it."""
    ledger = world.ledger
    assert not await world.converge(await world.truth(), PATIENCE_SECONDS), "it was not well before"
    before = await trio.to_thread.run_sync(footprints, world.split.roles)
    updates, events, polls, wrong = world.updates, ledger.events, ledger.polls, ledger.wrong
    connects, refused = ledger.connects, ledger.refused_polls
    async with world.writing():
        await world.written(_LEAST_UPDATES)
        await fault.act(world)
        ended = trio.current_time()
    # From here on nothing is written, so nothing but repair brings what was missed.
    lost = await world.converge(await world.truth(), PATIENCE_SECONDS)
    converged = trio.current_time() - ended
    # Until then the fault may still have consequences.
    healthy = ended + CONVERGE_SECONDS - HEALTH_SECONDS
    health = await _health(world, healthy, polls + world.size.polls)
    began = trio.current_time()
    await world.revoke()
    revoked = max(0.0, trio.current_time() - max(began, healthy))
    for tenant, truth in (await world.truth()).items():
        for what in tenant.faults(truth):
            ledger.complain("MR", what)
    for what in await _grown(world, before):
        ledger.complain("footprint", what)
    for role in world.split.roles:
        if not await world.is_ready(role):
            ledger.complain(role.role, "is not ready")
    return Row(
        name,
        streams=sum(isinstance(each, Stream) for each in world.watchers),
        polls=ledger.polls - polls,
        updates=world.updates - updates,
        events=ledger.events - events,
        reconnects=ledger.connects - connects,
        refused=ledger.refused_polls - refused,
        lost=lost,
        wrong=ledger.wrong - wrong,
        converged=converged,
        health=health,
        revoked=revoked,
    )


def judge(world: World, fault: Fault, row: Row) -> None:
    """Fail unless all arrived in time, and nobody was told nonsense."""
    assert not world.ledger.complaints, "\n".join(world.ledger.complaints)
    assert row.lost == 0, row
    assert row.converged < CONVERGE_SECONDS, row
    assert row.health < HEALTH_SECONDS, row
    assert row.revoked < REVOKE_SECONDS, row
    assert row.streams >= world.size.streams, row
    assert row.polls >= world.size.polls, row
    for role in world.split.roles:
        assert not list(role.troubles(fault.expected)), f"{role.role}\n{role.log()}"


async def _health(world: World, healthy: float, polls: int) -> float:
    """Write one by one until there were `polls`; return how long the slowest took to everybody.

    Those that are written before `healthy` may take as long as if they had been written then.
    """
    slowest = 0.0
    refusals = world.refusals
    left = world.size.healthy_updates
    for tenant, key in cycle(product(world.tenants[:2], FEATURES)):
        await world.write(tenant, key)
        began = trio.current_time()
        await world.reach(tenant, key)
        slowest = max(slowest, trio.current_time() - max(began, healthy))
        left -= began > healthy
        if left <= 0 and world.ledger.polls >= polls:
            break
    if world.refusals > refusals:
        world.ledger.complain("MR", "refused an update in health")
    return slowest


async def _grown(world: World, before: Mapping[RoleProcess, Footprint]) -> Sequence[str]:
    """Return what has not come back after a while to where it was."""
    found: Sequence[str] = ()
    with trio.move_on_after(_SETTLE_SECONDS):
        while True:
            after = await trio.to_thread.run_sync(footprints, world.split.roles)
            found = list(grown(before, after))
            if not found:
                break
            await trio.sleep(_LOOK_SECONDS)
    return found
