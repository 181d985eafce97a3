"""One environment that is written to and watched, and what was ever told of it."""

import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import TypeAlias

import httpx2

from tests.e2e.admin import Project

FEATURES = tuple(f"feature-{number}" for number in range(5))
STRATEGIC = FEATURES[0]

_VALUES = 1_000_000
_FINAL = range(400, 500)
_REFUSED_SECONDS = 0.02


Truth: TypeAlias = Mapping[str, tuple[int, object]]
"""Version and value of each feature at MR."""


class Tenant:
    """Writes features of `project`, and knows which values they may have.

    Each value is written once only, and in a range of the tenant's own: so a version has one value,
    and a value that shows up elsewhere has crossed a boundary.
    """

    def __init__(self, number: int, project: Project):
        self.project = project
        self.updates = 0
        self.refusals = 0
        self._least = number * _VALUES
        self._values = count(self._least + 1)
        self._acknowledged: dict[str, tuple[int, int]] = {}
        self._told: dict[tuple[str, int], object] = {}

    def create(self) -> None:
        """Make the features, one of them with a strategy; each has a value then."""
        for key in FEATURES:
            self.project.create(key, "NUMBER", next(self._values))
        condition = {"conditional": "EQUALS", "fieldName": "userkey", "type": "STRING"}
        strategy = {
            "name": "somebody",
            "value": self._least,
            "attributes": [{**condition, "values": ["somebody"]}],
        }
        self.project.save(STRATEGIC, rolloutStrategies=[strategy])

    def write(self, key: str) -> list[str]:
        """Change a feature, if MR can be reached and does it; return what was wrong with that."""
        project, value = self.project, next(self._values)
        try:
            answer = project.admin.request("GET", project.path(key))
            if answer.is_success:
                body = {**answer.json(), "valueNumber": value}
                answer = project.admin.request("PUT", project.path(key), body)
        except httpx2.TransportError:
            self._refuse()
            return []
        if answer.is_success:
            self.updates += 1
            version = int(answer.json()["version"])
            self._acknowledged[key] = (version, value)
            return list(self.note(key, version, value))
        self._refuse()
        is_final = answer.status_code in _FINAL
        return [f"{answer.status_code} {answer.text}"] if is_final else []

    def _refuse(self) -> None:
        self.refusals += 1
        time.sleep(_REFUSED_SECONDS)  # a thread's own: nobody waits for it

    def note(self, key: str, version: int, value: object) -> Iterator[str]:
        """Take down what somebody was told; yield what is wrong with it."""
        if version == 0 and value is None:
            return  # a feature that was created just now, and has no value yet
        told = self._told.setdefault((key, version), value)
        if told != value:
            yield f"{key} {version} is {value}, elsewhere {told}"
        if not isinstance(value, int | float) or value // _VALUES != self._least // _VALUES:
            yield f"{key} {version} is {value}: that is another environment's"

    def acknowledged_version(self, key: str) -> int:
        return self._acknowledged[key][0]

    def load(self) -> Truth:
        """Return what MR has."""
        loaded = {key: self.project.load(key) for key in FEATURES}
        return {key: (int(each["version"]), each["valueNumber"]) for key, each in loaded.items()}

    def faults(self, truth: Truth) -> Iterator[str]:
        """Yield what was acknowledged and is not in `truth`, and what was told and never was."""
        for key, (version, _) in self._acknowledged.items():
            if version > truth[key][0]:
                yield f"{key}: {version} was acknowledged, MR has {truth[key][0]}"
        for key, (version, value) in truth.items():
            yield from self.note(key, version, value)
        for key, version in self._told:
            if version > truth[key][0]:
                yield f"{key}: {version} was published, MR has {truth[key][0]}"
