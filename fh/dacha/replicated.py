"""Questions answered by a replica of the truth, which may be behind or away.

Only what it grants is taken from it. A no may be a key that it has not heard of yet, and would
stop an SDK for good; so the truth itself is asked before anybody is refused, and whenever the
replica is away. A grant may be as old as the replica is behind.
"""

import math

import structlog
import trio

from fh.contracts.answers import Denied, Granted, KeyAnswer, KeyLookup, NotReady
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()


class ReplicatedLookup:
    """The port `KeyLookup` over a replica and the truth behind it."""

    def __init__(self, replica: KeyLookup, truth: KeyLookup, *, rest_seconds: float = 5.0) -> None:
        """Leave a replica that could not answer alone for `rest_seconds`.

        So one that hangs costs only those their patience who ask in that moment.
        """
        self._replica = replica
        self._truth = truth
        self._rest_seconds = rest_seconds
        self._rests_until = -math.inf

    def find_key(self, _: SdkKey) -> Granted | Denied | None:
        """Return None: nothing is kept in memory."""
        return None

    async def load_key(self, key: SdkKey) -> KeyAnswer:
        """Return the replica's answer if it is a grant, else the truth's."""
        if trio.current_time() >= self._rests_until:
            match await self._replica.load_key(key):
                case Granted() as granted:
                    return granted
                case NotReady(reason):
                    if trio.current_time() >= self._rests_until:
                        log.warning("replica_left_alone", reason=reason)
                    self._rests_until = trio.current_time() + self._rest_seconds
                case Denied():
                    pass
        return await self._truth.load_key(key)
