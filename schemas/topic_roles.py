"""What topics are for, and how long Kafka keeps their records."""

from enum import StrEnum


class Cleanup(StrEnum):
    """Kafka's cleanup policy: delete after the retention time, or keep the newest record of each key."""

    DELETE = "delete"
    COMPACT = "compact"


class Role(StrEnum):
    """What a topic is for."""

    INPUT = "input"
    BROADCAST = "broadcast"
    INTERNAL = "internal"
    OUTPUT = "output"
    STATE = "state"
    DEAD_LETTERS = "dead letters"
