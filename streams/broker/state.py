"""The state of a running broker, opened from its storage."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from streams.broker.groups import Groups
from streams.broker.journal import Journal
from streams.broker.storage import Storage
from streams.broker.topic_registry import Topics
from streams.broker.transactions import Transactions

NODE_ID = 1


def wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def session_clock_ms() -> float:
    """Milliseconds of a monotonic clock, for sessions and rebalances."""
    return time.monotonic() * 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The advertised address, and whether requests create topics."""

    host: str
    port: int
    auto_create: bool = False
    default_partitions: int = 1


class BrokerState:
    """Topics, groups and transactions on one storage; opening it recovers from a kill."""

    def __init__(self, storage: Storage, identity: Identity, holds_offsets: Callable[[], bool] = lambda: False) -> None:
        self.identity = identity
        self.journal = Journal(storage)
        self.cluster_id = self._cluster_id()
        self.topics = Topics(storage, self.journal, wall_clock_ms)
        self.groups = Groups(self.journal, session_clock_ms())
        self.transactions = Transactions(
            self.journal,
            topics=self.topics,
            groups=self.groups,
            clock_ms=wall_clock_ms,
            holds_offsets=holds_offsets,
        )
        self.transactions.recover()

    def _cluster_id(self) -> str:
        for _, encoded in self.journal.items("cluster-id"):
            return msgspec.msgpack.decode(encoded, type=str)
        fresh = uuid.uuid4().hex[:22]
        self.journal.put({"cluster-id": fresh})
        return fresh

    def tick(self) -> None:
        """Expire sessions, rebalances and transactions."""
        self.groups.tick(session_clock_ms())
        self.transactions.tick()

    def close(self) -> None:
        """Close all files; there is nothing to flush, so a kill loses nothing either."""
        self.topics.close()
        self.journal.close()
