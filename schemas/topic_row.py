"""A row of the table of topics: what a topic is for, and how Kafka keeps its records."""

from enum import StrEnum
from types import UnionType

from msgspec import Struct

from schemas.fields import EVENT_AHEAD_MAX_MS

INPUT_BYTES_MAX = 8 * 1_048_576
"""Record limit of input topics, above the limit of a message, so that too large ones become dead letters."""
STAMP_AHEAD_MAX = "message.timestamp.after.max.ms"
"""Kafka's setting for how far a record's time stamp may be ahead of the broker's clock (3.6 and later know it)."""

STATE_BYTES_MAX = 16 * 1_048_576
"""Record limit of state topics: a row has 80 bytes for each stream of the correction window, and robots have many."""


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


class Topic(Struct, frozen=True, kw_only=True):
    """One row of the table. `partitions` of 0 means the configured number of page partitions."""

    name: str
    about: str
    role: Role
    message: type[Struct] | UnionType | None
    key: str
    partitions: int
    cleanup: Cleanup
    writer: str
    readers: tuple[str, ...]
    retention_ms: int = 7 * 24 * 3_600_000

    @property
    def is_compacted(self) -> bool:
        """Whether only the newest record of each key is kept."""
        return self.cleanup is Cleanup.COMPACT

    @property
    def is_paged(self) -> bool:
        """Whether it has the configured number of page partitions; these topics are joined by partition."""
        return self.partitions == 0

    def partition_count(self, page_partitions: int) -> int:
        """Number of partitions, given that of the page topics."""
        return self.partitions or page_partitions

    def config(self) -> dict[str, str]:
        """Topic settings for Kafka's admin interface."""
        if self.is_compacted:
            compacted = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"}
            return compacted | ({"max.message.bytes": str(STATE_BYTES_MAX)} if self.role is Role.STATE else {})
        config = {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}
        if self.role is Role.INPUT:
            config["max.message.bytes"] = str(INPUT_BYTES_MAX)
            config[STAMP_AHEAD_MAX] = str(EVENT_AHEAD_MAX_MS)
        if self.role is Role.DEAD_LETTERS:  # any record of the input topic fits, with its headers
            config["max.message.bytes"] = str(INPUT_BYTES_MAX + 65_536)
        return config
