"""What each stream must get: its own environment's value, and what its context comes to.

The number in a value is the event's, on top of an offset that tells by itself whose value it is:
every environment has one, and where the server evaluates, so has the value of the strategy. Then
each stream is a user of its own (`x-featurehub: userkey=17`) and the strategy is one of 50 %.
"""

from uuid import UUID, uuid5

from bench.baselines.frame import FEATURE_KEY, environment_id
from bench.load.marker import ENVIRONMENT_STEP
from fh.strategies.percentage import bucket

SHARE_MILLIONTHS = 500_000
BY_STRATEGY = 5_000_000_000
"""Added to the number of an event in the value of the strategy."""

MOST_ENVIRONMENTS = BY_STRATEGY // ENVIRONMENT_STEP


def value_id(place: int) -> UUID:
    """Return the id of the changing feature's value in the environment at `place`, the first 0."""
    return uuid5(UUID(environment_id(place)), f"{FEATURE_KEY}/value")


def user_key(index: int) -> str:
    """Return the key of the user behind stream `index`."""
    return str(index)


def context_header(index: int) -> str:
    """Return the header line by which stream `index` tells its context."""
    return f"x-featurehub: userkey={user_key(index)}\r\n"


def offset_due(index: int, *, environments: int = 1, user_keys: bool = False) -> int:
    """Return what the numbers that reach stream `index` are offset by.

    Streams are in `environments` environments in turns.
    """
    place = index % environments
    offset = place * ENVIRONMENT_STEP
    if user_keys and bucket(user_key(index), str(value_id(place))) <= SHARE_MILLIONTHS:
        offset += BY_STRATEGY
    return offset
