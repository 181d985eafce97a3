"""How long one client waits for the answers that people wait for."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.admin.api import AdminApi
from bench.admin.filling import TEXT_FEATURE, Filled

_WARM_UP: Final = 20
_PAGE: Final = 20

DASHBOARD: Final = "dashboard"
WRITE: Final = "value write"
PEOPLE: Final = "people"
APPLICATIONS: Final = "applications"


@dataclass(frozen=True, slots=True)
class Question:
    """A request that is timed; `needs` is the operation that answers it, `limit_ms` the target."""

    name: str
    needs: str
    meaning: str
    limit_ms: float | None
    ask: Callable[[AdminApi, int], object]


def questions(filled: Filled) -> Sequence[Question]:
    """Return what is asked of an installation that was filled."""
    portfolio = f"/mr-api/portfolio/{filled.portfolio}"
    application = f"/mr-api/application/{filled.application}"
    values = f"/mr-api/features/{filled.environment}"
    pages = max(1, filled.features // _PAGE)

    def dashboard(api: AdminApi, number: int) -> object:
        return api.receive(
            "GET", f"{application}/all-feature-environment?max={_PAGE}&page={number % pages}"
        )

    def write(api: AdminApi, number: int) -> object:
        path = f"{values}/feature/{TEXT_FEATURE}"
        known = api.call("GET", path)
        began = time.perf_counter()
        api.receive("PUT", path, {**known, "valueString": f"text {number}"})
        return time.perf_counter() - began

    def people(api: AdminApi, number: int) -> object:
        first = number * _PAGE % max(_PAGE, filled.people)
        return api.receive(
            "GET", f"/mr-api/person?order=ASC&startAt={first}&pageSize={_PAGE}&countGroups=true"
        )

    def applications(api: AdminApi, _: int) -> object:
        return api.receive("GET", f"{portfolio}/application?order=ASC")

    def features(api: AdminApi, _: int) -> object:
        return api.receive("GET", f"{application}/features")

    def environment(api: AdminApi, _: int) -> object:
        return api.receive("GET", values)

    return (
        Question(
            DASHBOARD,
            "findAllFeatureAndFeatureValuesForEnvironmentsByApplication",
            f"a page of {_PAGE} features of one application, in all its environments",
            100,
            dashboard,
        ),
        Question(WRITE, "updateFeatureForEnvironment", "one value, until its commit", 50, write),
        Question(PEOPLE, "findPeople", f"a page of {_PAGE}, by name", 100, people),
        Question(
            APPLICATIONS, "findApplications", "all of the portfolio, by name", 100, applications
        ),
        Question(
            "features", "getAllFeaturesForApplication", "all of one application", None, features
        ),
        Question(
            "values", "getFeaturesForEnvironment", "all of one environment", None, environment
        ),
    )


def waits_ms(api: AdminApi, question: Question, requests: int) -> list[float]:
    """Return the waits for so many answers, one after the other, in order of length.

    A question that does more than what it is about returns the seconds that count.
    """
    found = []
    for number in range(_WARM_UP + requests):
        began = time.perf_counter()
        answer = question.ask(api, number)
        seconds = answer if isinstance(answer, float) else time.perf_counter() - began
        if number >= _WARM_UP:
            found.append(seconds * 1000)
    return sorted(found)
