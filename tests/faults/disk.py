"""Disks without any room: MR's database, and what the caches keep for their next process."""

import secrets
from http import HTTPStatus

import httpx2
import trio

from tests.e2e.admin import Project
from tests.faults.endure import Fault
from tests.faults.extent import LEAST_POLLS, last
from tests.faults.killed import kill_postgres
from tests.faults.shape import Shape
from tests.faults.world import PATIENCE_SECONDS, World

_DATABASE = Shape(small_disk=("data", 256))
_NOT_WRITTEN = "last_known_not_written"
_WRITTEN_AGAIN = "last_known_written_again"
_BLOB_BYTES = 100_000
_LEAST_REFUSALS = 3


async def _of_the_database(world: World) -> None:
    project = await _project_nobody_watches(world)
    world.disk.fill()
    # The updates that are watched are small: the database finds room for them for a long time.
    refusals = 0
    with trio.fail_after(PATIENCE_SECONDS):
        while refusals < _LEAST_REFUSALS:
            refusals += await _is_refused(world, project)
    await last()
    world.disk.free()
    await world.written(2)


async def _of_a_database_that_starts(world: World) -> None:
    world.disk.fill()
    kill_postgres(world)
    await world.refused(_LEAST_REFUSALS)
    await last()
    # MR says how it is; nobody stops serving for it.
    assert not await world.is_ready(world.split.mr)
    for edge in world.split.edges:
        assert await world.is_ready(edge)
        await world.served(edge, LEAST_POLLS)
    world.disk.free()
    await world.written(2)


async def _project_nobody_watches(world: World) -> Project:
    made: list[Project] = []

    def make() -> None:
        project = world.tenants[0].project.admin.new_project()
        project.create("blob", "STRING", "")
        made.append(project)

    await world.off_thread(make)
    return made[0]


async def _is_refused(world: World, project: Project) -> bool:
    """Save something large; return whether that was refused, as a fault that will pass."""
    statuses: list[int] = []

    def save() -> None:
        body = {"key": "blob", "locked": False, "valueString": secrets.token_hex(_BLOB_BYTES // 2)}
        try:
            answer = project.admin.request("GET", project.path("blob"))
            if answer.is_success:
                body = {**answer.json(), **body}
                answer = project.admin.request("PUT", project.path("blob"), body)
        except httpx2.TransportError:
            return  # an answer that is late says nothing
        statuses.append(answer.status_code)

    await world.off_thread(save)
    assert all(each < 300 or each >= HTTPStatus.INTERNAL_SERVER_ERROR for each in statuses), (
        statuses
    )
    return any(each >= HTTPStatus.INTERNAL_SERVER_ERROR for each in statuses)


async def _of_the_caches(world: World) -> None:
    caches = [*world.split.dachas, *world.split.edges]
    world.disk.fill()
    await world.until(lambda: all(_NOT_WRITTEN in cache.log() for cache in caches))
    await last()
    world.disk.free()
    await world.until(lambda: all(_WRITTEN_AGAIN in cache.log() for cache in caches))


FAULTS = {
    "disk full under PostgreSQL": Fault(_of_the_database, _DATABASE),
    "disk full, PostgreSQL kill -9": Fault(_of_a_database_that_starts, _DATABASE),
    "disk full under last known good": Fault(
        _of_the_caches,
        Shape(keeps_last_known=True, small_disk=("last-known", 4)),
        expected=_NOT_WRITTEN,
    ),
}
