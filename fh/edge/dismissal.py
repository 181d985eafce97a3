"""Streams that an operator has told goodbye, though nothing is wrong with them."""

import random
from collections.abc import Sequence

from msgspec import Struct

from fh.edge.connection import Connection
from fh.edge.key_streams import KeyStreams, streams_of
from fh.edge.orders import Whom
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey


class Dismissal(Struct, frozen=True):
    """Which streams, and over how many seconds.

    Attributes:
        share: How many of them, from above 0 to 1; which ones is left to chance.
        environment_id: Those of one environment; None for every one.
        whom: Those of one key or service account; None for everybody.
        while_draining: Only as long as Edge drains.
    """

    share: float = 1.0
    seconds: float = 0.0
    environment_id: EnvironmentId | None = None
    whom: Whom | None = None
    while_draining: bool = False


def chosen(
    streams: Sequence[Connection], dismissal: Dismissal, chance: random.Random
) -> list[Connection]:
    """Return whom of `streams` a dismissal concerns, in no order."""
    meant = [stream for stream in streams if _is_meant(streams_of(stream), dismissal)]
    wanted = dismissal.share * len(meant)
    # Of many processes with a stream each, so many lose theirs as were wanted.
    count = int(wanted) + (chance.random() < wanted % 1)
    return chance.sample(meant, count)


def _is_meant(owner: KeyStreams | None, dismissal: Dismissal) -> bool:
    """Return whether streams of a key are meant; None is a key that nobody has answered for yet."""
    if dismissal.environment_id is None and dismissal.whom is None:
        return True
    if owner is None:
        return False
    if dismissal.environment_id not in {None, owner.key.environment_id}:
        return False
    match dismissal.whom:
        case None:
            return True
        case SdkKey() as key:
            return owner.key == key
        case account_id:
            return owner.granted is not None and owner.granted.account_id == account_id
