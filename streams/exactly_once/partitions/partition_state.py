"""The states of a partition that a worker owns; `owned_partition.py` has the transitions."""

from enum import Enum, auto


class State(Enum):
    """The state of a partition."""

    OPENING = auto()
    OPEN = auto()
    SUSPENDED = auto()
    BROKEN = auto()
    CLOSED = auto()
