"""What operators want of an Edge for a while: that it drains, and that keys pause.

Both are told to clients as something that passes: they come back later, or to somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import trio
from msgspec import Struct

from fh.model.ids import ServiceAccountId
from fh.model.sdk_key import SdkKey

Whom: TypeAlias = SdkKey | ServiceAccountId
"""One key in one environment, or all keys of a service account."""


class Pause(Struct, frozen=True):
    """Whose requests are put off, and for how long from now."""

    whom: Whom
    seconds: float


class Standing(Struct, frozen=True, tag=True):
    """Everything that operators want until they say otherwise, or until its time is over."""

    draining: bool = False
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True, slots=True)
class _Paused:
    number: int
    until: float


class Orders:
    """The orders in force.

    Attributes:
        draining: Whether no more streams are let in.
    """

    def __init__(self) -> None:
        self.draining = False
        self._paused: dict[Whom, _Paused] = {}
        self._last_until = 0.0
        self._number = 0

    def obey(self, standing: Standing) -> None:
        """Let `standing` be in force, and nothing else."""
        self.draining = standing.draining
        self._paused.clear()
        for pause in standing.pauses:
            self.pause(pause.whom, pause.seconds)

    def standing(self) -> Standing:
        """Return what is in force."""
        pauses = [Pause(whom, seconds) for whom, seconds in self.pauses().values()]
        return Standing(self.draining, tuple(pauses))

    def pause(self, whom: Whom, seconds: float) -> int:
        """Put off whatever `whom` asks for; return the number of the pause."""
        self._number += 1
        until = trio.current_time() + seconds
        self._paused[whom] = _Paused(self._number, until)
        self._last_until = max(self._last_until, until)
        return self._number

    def resume(self, number: int) -> Whom | None:
        """End a pause; return whose it was, None if there is none of that number."""
        for whom, paused in self._paused.items():
            if paused.number == number:
                del self._paused[whom]
                return whom
        return None

    def pauses(self) -> Mapping[int, tuple[Whom, float]]:
        """Return whose requests are put off, and for how many seconds more, by their numbers."""
        now = trio.current_time()
        for whom in [each for each, paused in self._paused.items() if paused.until <= now]:
            del self._paused[whom]
        return {paused.number: (whom, paused.until - now) for whom, paused in self._paused.items()}

    @property
    def has_pauses(self) -> bool:
        """Whether there may be a pause: a look that costs next to nothing."""
        return bool(self._paused)

    def paused_seconds(self, key: SdkKey, account_id: ServiceAccountId | None) -> float:
        """Return for how long a request with `key`, of that account, is put off; 0 if it is not."""
        now = trio.current_time()
        if now >= self._last_until:
            self._paused.clear()
        found = [self._paused.get(key)]
        if account_id is not None:
            found.append(self._paused.get(account_id))
        return max([paused.until - now for paused in found if paused is not None] + [0.0])
