"""Who may open a stream, and what those are told who may not for now.

Whoever is turned away is told to come back, never that something is wrong for good: to SDKs any
status from 400 to 499 is final, also 429, and so is any but 200 to a page's own EventSource. So
SDKs get a 503, and pages a stream that ends at once and says when to try again.

Addresses are those of the sockets: behind a proxy all clients have one.
"""

import random
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Final, TypeAlias

from fh.edge.admission import Admission
from fh.edge.connection import Connection
from fh.edge.connections import Connections
from fh.edge.settings import EdgeSettings
from fh.model.sdk_key import SdkKey

Peer: TypeAlias = Callable[[], str]
"""Returns the address of a client; asked only where somebody wants to know."""

_LONGEST_SECONDS: Final = 30


class Reason(Enum):
    """Why a stream was not opened."""

    BUSY = "too many streams wait for their first features"
    STREAMS = "as many streams are open here as may be"
    KEY = "as many streams are open with this key as may be"
    ADDRESS = "as many streams are open from this address as may be"
    STOPPING = "this server is stopping"
    DRAINING = "this server lets nobody in for the time being"
    PAUSED = "this key pauses for the time being"


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A stream that is not opened now; a page asked for it with its own EventSource, or an SDK."""

    reason: Reason
    seconds: int
    is_page: bool


class Gate:
    """Lets streams in as long as there is room, and counts those that it turns away."""

    def __init__(
        self,
        settings: EdgeSettings,
        connections: Connections,
        admission: Admission,
        jitter: random.Random,
    ) -> None:
        self._settings = settings
        self._connections = connections
        self._admission = admission
        self._jitter = jitter
        self._streams_of: Counter[SdkKey | str] = Counter()  # by key, and by address
        self._counted: dict[Connection, list[SdkKey | str]] = {}
        self._turned_away: Counter[Reason] = Counter()
        self.is_stopping = False
        self.is_draining = False

    def check(self, key: SdkKey | None, peer: Peer, *, is_page: bool) -> TurnedAway | None:
        """Return why one more stream may not be opened, None if it may."""
        reason = self._reason(key, peer)
        if reason is None:
            return None
        return self._turn_away(reason, self._seconds(reason), is_page=is_page)

    def put_off(self, seconds: float, *, is_page: bool) -> TurnedAway:
        """Return what a client is told whose key pauses for so long."""
        return self._turn_away(Reason.PAUSED, ceil(seconds), is_page=is_page)

    def enter(self, connection: Connection, key: SdkKey | None, peer: Peer) -> None:
        """Count a stream that was let in."""
        counted: list[SdkKey | str] = []
        if self._settings.streams_per_key and key is not None:
            counted.append(key)
        if self._settings.streams_per_address and (address := peer()):
            counted.append(address)
        if counted:
            self._counted[connection] = counted
            self._streams_of.update(counted)

    def leave(self, connection: Connection) -> None:
        """Count a stream no longer; one not counted is ignored."""
        for of in self._counted.pop(connection, ()):
            self._streams_of[of] -= 1
            if not self._streams_of[of]:
                del self._streams_of[of]

    def counts(self) -> dict[str, int]:
        """Return how many were turned away, by their names in the engine's statistics."""
        return {f"refused_{reason.name.lower()}": self._turned_away[reason] for reason in Reason}

    def _turn_away(self, reason: Reason, seconds: int, *, is_page: bool) -> TurnedAway:
        self._turned_away[reason] += 1
        return TurnedAway(reason, seconds, is_page)

    def _reason(self, key: SdkKey | None, peer: Peer) -> Reason | None:
        settings = self._settings
        if self.is_stopping:
            return Reason.STOPPING
        if self.is_draining:
            return Reason.DRAINING
        if 0 < settings.most_streams <= self._connections.streams:
            return Reason.STREAMS
        if self._admission.is_full:
            return Reason.BUSY
        per_key, per_address = settings.streams_per_key, settings.streams_per_address
        if key is not None and 0 < per_key <= self._streams_of[key]:
            return Reason.KEY
        if 0 < per_address <= self._streams_of[peer()]:
            return Reason.ADDRESS
        return None

    def _seconds(self, reason: Reason) -> int:
        """Return after how many seconds to come back: spread, and the later the more there are."""
        longest = _LONGEST_SECONDS
        if reason in {Reason.STOPPING, Reason.DRAINING}:
            longest = 5  # somebody else serves by then
        elif reason is Reason.BUSY:
            longest = min(longest, 5 + int(self._admission.longest_wait_seconds))
        return self._jitter.randint(1, longest)


def peer_address(descriptor: int) -> str:
    """Return the address of a socket's other end, nothing if it is gone."""
    connected = socket.socket(fileno=descriptor)
    try:
        return str(connected.getpeername()[0])
    except OSError:
        return ""
    finally:
        connected.detach()
