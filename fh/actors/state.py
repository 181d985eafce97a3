"""Where a child is in its life, and what it may be ordered to do."""

from enum import Enum, IntEnum


class State(Enum):
    """Where a child is in its life."""

    NEW = "new"  # nothing made yet
    READY = "ready"  # idle; may run in its sender's turn
    IDLE = "idle"  # idle; needs a task for the next message
    RUNNING = "running"
    WAITING = "waiting"  # between two lives
    ENDED = "ended"  # for good


class Order(IntEnum):
    """What a child was ordered to do; a stronger order overrides a weaker one."""

    PAUSE = 1  # drain the life, keep the mailbox: its group restarts
    DRAIN = 2
    STOP = 3
    CANCEL = 4
