"""The order in which changes are promoted through an application's environments.

Each environment names the one before it.

Source: section 5.9 of the admin contract.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fh.model.ids import EnvironmentId
from fh.mr.errors import Invalid
from fh.mr.repositories.environments import Environment


def in_promotion_order(environments: Sequence[Environment]) -> list[Environment]:
    """Return `environments` with each behind the one it follows.

    Those that nothing connects come first. A circle, which nobody should be able to make, comes
    last as it was given.
    """
    known = {environment.id for environment in environments}
    followers = defaultdict[EnvironmentId, list[Environment]](list)
    roots: list[Environment] = []
    for environment in environments:
        if environment.prior_id is None or environment.prior_id not in known:
            roots.append(environment)
        else:
            followers[environment.prior_id].append(environment)
    roots.sort(key=lambda root: root.id in followers)  # stable: the unconnected first
    ordered: list[Environment] = []
    waiting = roots[::-1]
    while waiting:
        environment = waiting.pop()
        ordered.append(environment)
        waiting += followers[environment.id][::-1]
    placed = {environment.id for environment in ordered}
    return ordered + [left for left in environments if left.id not in placed]


@dataclass(frozen=True, slots=True)
class Placed:
    """An environment in the order that a client wants, and the version it was looking at."""

    id: EnvironmentId
    version: int | None
    prior_id: EnvironmentId | None


Priors = Mapping[EnvironmentId, EnvironmentId | None]
"""Which environment comes before each of some."""


def moved_behind(
    environments: Sequence[Environment], moved: Environment, prior_id: EnvironmentId
) -> Priors:
    """Return who else gets another prior when `moved` is put behind `prior_id`.

    Where that is behind itself, the one that followed it takes its old place.

    Raises:
        Invalid: the prior is no environment among them, or `moved` itself.
    """
    priors = {environment.id: environment.prior_id for environment in environments}
    if prior_id not in priors or prior_id == moved.id:
        raise Invalid("priorEnvironmentId", "It is no other environment of this application.")
    seen: set[EnvironmentId] = set()
    ancestor: EnvironmentId | None = prior_id
    while ancestor is not None and ancestor not in seen:
        seen.add(ancestor)
        if priors.get(ancestor) == moved.id:
            return {ancestor: moved.prior_id}
        ancestor = priors.get(ancestor)
    return {}


def reordered(environments: Sequence[Environment], wanted: Sequence[Placed]) -> Priors:
    """Return who gets another prior so that the order is as `wanted`.

    Raises:
        Invalid: an environment is unknown, stale or named twice, a prior is not in the list, or
            they follow each other in a circle.
    """
    known = {environment.id: environment for environment in environments}
    priors = {placed.id: placed.prior_id for placed in wanted}
    for index, placed in enumerate(wanted):
        if placed.id not in known:
            raise Invalid(f"[{index}].id", "It is no environment of this application.")
        if placed.version != known[placed.id].version:
            raise Invalid(f"[{index}].version", "It was changed since you read it.")
        if placed.prior_id is not None and placed.prior_id not in priors:
            raise Invalid(f"[{index}].priorEnvironmentId", "It is not in the list.")
    if len(priors) < len(wanted):
        raise Invalid("id", "An environment is named twice.")
    _check_for_circles(priors)
    return {one: prior for one, prior in priors.items() if prior != known[one].prior_id}


def _check_for_circles(priors: Priors) -> None:
    ended: set[EnvironmentId] = set()
    for start in priors:
        path: set[EnvironmentId] = set()
        here: EnvironmentId | None = start
        while here is not None and here not in ended:
            if here in path:
                raise Invalid("priorEnvironmentId", "They follow each other in a circle.")
            path.add(here)
            here = priors[here]
        ended |= path
