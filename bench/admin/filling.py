"""Applications, environments, features with their values, and people, made by way of HTTP.

Features are made before all environments but the first: each environment then gets its flags with
one statement, instead of each flag its environments. They take turns with the four types. What has
a type other than BOOLEAN gets its values with one write an environment, as no value exists before;
flags have theirs from the beginning.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from bench.admin.api import AdminApi
from bench.progress import Tell

_TYPES: Final = ("STRING", "BOOLEAN", "NUMBER", "JSON")
_MEMBERS: Final[dict[str, dict[str, object]]] = {
    "STRING": {"valueString": "x" * 40},
    "NUMBER": {"valueNumber": 42.5},
    "JSON": {"valueJson": '{"colour": "blue", "size": 17}'},
}
_PEOPLE_AT_ONCE: Final = 50
_LARGEST_BATCH: Final = 1_000

TEXT_FEATURE: Final = "FEATURE_0"
"""A feature of type STRING that every application has."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there shall be: environments and features count for each application."""

    applications: int
    environments: int
    features: int
    people: int

    @property
    def steps(self) -> int:
        """How often a filling tells of itself."""
        return self.applications + -(-self.people // _PEOPLE_AT_ONCE)


class Filled(Struct, frozen=True):
    """What was made, and one example of each kind; `people` is 0 where none could be made.

    `seconds` are what the requests took, `later_seconds` those until all was announced; None: not
    measured.
    """

    applications: int
    environments: int
    features: int
    people: int
    portfolio: UUID
    application: UUID
    environment: UUID
    seconds: float | None = None
    later_seconds: float | None = None


def fill(api: AdminApi, size: Size, *, connections: int, tell: Tell) -> Filled:
    """Make all of it in the first portfolio, over so many connections at once.

    Raises:
        DeploymentFailed: something was refused; the rest was left.
    """
    portfolio = api.call("GET", "/mr-api/portfolio")[0]["id"]
    made: list[tuple[UUID, UUID]] = []

    def make(one: AdminApi, number: int) -> None:
        made.append(_application(one, portfolio, number, size))
        tell(f"application {len(made)} of {size.applications}")

    _side_by_side(api, connections, make, range(size.applications))
    people = size.people if "createPerson" in api.operations() else 0
    groups = range(0, people, _PEOPLE_AT_ONCE)

    def register(one: AdminApi, first: int) -> None:
        for number in range(first, min(first + _PEOPLE_AT_ONCE, people)):
            email = f"person-{number}@example.org"
            one.call("POST", "/mr-api/person", {"email": email, "personType": "person"})
        tell(f"people up to {first + _PEOPLE_AT_ONCE} of {people}")

    _side_by_side(api, connections, register, groups)
    application, environment = made[0]
    return Filled(
        applications=size.applications,
        environments=size.environments,
        features=size.features,
        people=people,
        portfolio=UUID(portfolio),
        application=application,
        environment=environment,
    )


def _application(api: AdminApi, portfolio: str, number: int, size: Size) -> tuple[UUID, UUID]:
    """Return the application that was made, and one of its environments."""
    created = api.call(
        "POST",
        f"/mr-api/portfolio/{portfolio}/application?includeEnvironments=true",
        {"name": f"Application {number}", "description": "made by fh bench mr"},
    )
    path = f"/mr-api/application/{created['id']}"
    features = [_feature(each) for each in range(size.features)]
    for first in range(0, size.features, _LARGEST_BATCH):
        api.receive("POST", f"{path}/features/batch", features[first : first + _LARGEST_BATCH])
    environments = [created["environments"][0]["id"]]
    for stage in range(1, size.environments):
        sent = {"name": f"stage {stage}", "description": ""}
        environments.append(api.call("POST", f"{path}/environment", sent)["id"])
    if values := [_value(feature) for feature in features if feature["valueType"] in _MEMBERS]:
        for environment in environments:
            api.receive("PUT", f"/mr-api/features/{environment}", values)
    return UUID(created["id"]), UUID(environments[0])


def _feature(number: int) -> dict[str, Any]:
    value_type = _TYPES[number % len(_TYPES)]
    return {"key": f"FEATURE_{number}", "name": f"Feature {number}", "valueType": value_type}


def _value(feature: dict[str, Any]) -> dict[str, object]:
    return {"key": feature["key"], "locked": False, **_MEMBERS[feature["valueType"]]}


def _side_by_side(
    api: AdminApi, connections: int, work: Callable[[AdminApi, int], None], items: Iterable[int]
) -> None:
    """Do `work` for each item, each thread with a connection of its own."""
    mine = threading.local()
    with ExitStack() as stack, ThreadPoolExecutor(connections) as pool:

        def one(item: int) -> None:
            if not hasattr(mine, "api"):
                mine.api = stack.enter_context(api.again())
            work(mine.api, item)

        futures = [pool.submit(one, item) for item in items]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:
            # After a failure, or Ctrl-C, the pool would otherwise first do all that is left.
            pool.shutdown(cancel_futures=True)
