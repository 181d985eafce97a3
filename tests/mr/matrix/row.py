"""A row of the matrix: one operation, and what every kind of caller is answered."""

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from tests.mr.matrix.world import ANONYMOUS, Ask, Who, World

LARGEST_SUCCESS = 299


@dataclass(frozen=True)
class Row:
    """What callers are answered.

    Attributes:
        ask: Makes whatever the request is about, anew for each caller, and returns the request.
        granted: What the callers in a set get: a status, or with `shows` a status and what is
            shown. Those without a good token get 401 unless a set here holds them.
        refused: What all others get.
        variant: Tells rows of one operation apart.
        shows: What of a successful answer counts.
    """

    operation: str
    ask: Callable[[World, Who], Awaitable[Ask]]
    granted: Mapping[AbstractSet[Who], Any]
    refused: Any = 403
    variant: str = ""
    shows: Callable[[Any], Any] | None = None

    def __str__(self) -> str:
        return f"{self.operation} ({self.variant})" if self.variant else self.operation

    def expected(self, who: Who) -> Any:
        """Return what a caller should be answered."""
        for callers, outcome in self.granted.items():
            if who in callers:
                return outcome
        return 401 if who in ANONYMOUS else self.refused

    def observed(self, answer: Any) -> Any:
        """Return what an answer comes down to."""
        if self.shows is None or answer.status > LARGEST_SUCCESS:
            return answer.status
        return answer.status, self.shows(answer)
