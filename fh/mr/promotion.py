"""The order in which changes are promoted through an application's environments.

Each environment names the one before it.

Source: section 5.9 of the admin contract.
"""

from collections import defaultdict
from collections.abc import Sequence

from fh.model.ids import EnvironmentId
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
