"""What each context must come to: who is in the half that a strategy reaches.

Every stream is a user of its own (`x-featurehub: userkey=17`). The feature has one strategy, of
50 %. Its value carries the event's number on top of an offset, so that an arrival tells by itself
which of both values it is.
"""

from uuid import UUID, uuid5

from bench.baselines.frame import ENVIRONMENT_ID, FEATURE_KEY
from fh.strategies.percentage import bucket

VALUE_ID = uuid5(UUID(ENVIRONMENT_ID), f"{FEATURE_KEY}/value")
SHARE_MILLIONTHS = 500_000
BY_STRATEGY = 5_000_000_000
"""Added to the number of an event in the value of the strategy."""


def user_key(index: int) -> str:
    """Return the key of the user behind stream `index`."""
    return str(index)


def context_header(index: int) -> str:
    """Return the header line by which stream `index` tells its context."""
    return f"x-featurehub: userkey={user_key(index)}\r\n"


def offset_due(index: int) -> int:
    """Return what the numbers that reach stream `index` are offset by."""
    reached = bucket(user_key(index), str(VALUE_ID)) <= SHARE_MILLIONTHS
    return BY_STRATEGY if reached else 0
