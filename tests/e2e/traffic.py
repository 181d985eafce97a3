"""What a page and the server said to each other, as its driver saw it on the wire."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.sdk_process import SdkProcess

STREAM = "EventSource"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the head of its answer; names of headers are lower-case.

    A `status` of None has not been answered yet.
    """

    kind: str
    method: str
    url: str
    asked: dict[str, str]
    status: int | None
    answered: dict[str, str]


def exchanges(sdk: SdkProcess, method: str = "GET") -> list[Exchange]:
    """Return the requests with this method so far, oldest first."""
    lines = sdk.lines
    answers = {line["id"]: line for line in lines if line["event"] == "response"}
    found = []
    for line in lines:
        if line["event"] == "request" and line["method"] == method:
            answer = answers.get(line["id"], {"status": None, "headers": {}})
            asked, answered = _lower(line["headers"]), _lower(answer["headers"])
            status = answer["status"]
            found.append(
                Exchange(line["kind"], method, line["url"], asked, status, answered),
            )
    return found


def streams(sdk: SdkProcess) -> list[Exchange]:
    """Return the streams that were opened so far, and answered."""
    return [found for found in exchanges(sdk) if found.kind == STREAM and found.status]


def blocked(sdk: SdkProcess) -> list[str]:
    """Return why the browser kept answers from the page."""
    return [line["reason"] for line in sdk.lines if line["event"] == "blocked"]


def wait_exchange(sdk: SdkProcess, what: str, is_it: Callable[[Exchange], bool]) -> Exchange:
    """Wait for an answered GET of which `is_it` holds, and return it."""

    def found() -> list[Exchange]:
        return [each for each in exchanges(sdk) if each.status is not None and is_it(each)]

    sdk.wait_for(what, lambda: bool(found()))
    return found()[0]


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
