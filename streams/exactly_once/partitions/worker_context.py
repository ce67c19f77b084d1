"""The context shared by all partitions of a worker, as a partition sees it."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from aiokafka import TopicPartition

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.observer import Observer
from streams.exactly_once.partitions.broadcast_reader import BroadcastReader
from streams.exactly_once.partitions.step import Step


class Feed(Protocol):
    """The consumer, as a partition uses it."""

    async def is_member(self) -> bool:
        """Whether the group's coordinator confirms our membership."""
        ...

    async def bounds(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Earliest and last stable offset of each partition."""
        ...

    async def seek(self, positions: Mapping[TopicPartition, int]) -> int:
        """Seek; returns the seek number of subsequent batches."""
        ...

    def is_read_up(self, partition: TopicPartition) -> bool:
        """Whether the last fetch reached the end."""
        ...

    def end(self, partition: TopicPartition) -> int | None:
        """The last stable offset as of the last fetch; None before the first."""
        ...

    def fetched_count(self, partition: TopicPartition, seek: int) -> int:
        """Number of batches fetched from a partition since this seek."""
        ...

    async def await_leaders(self, partitions: Collection[TopicPartition]) -> None:
        """Return once the leader of each partition, of any topic, answers."""
        ...


class WorkerContext(Protocol):
    """Settings, observer, broadcasts, consumer and clock."""

    settings: DriverSettings
    observer: Observer
    broadcasts: BroadcastReader
    feed: Feed
    clock_ms: Callable[[], int]
    restoring: asyncio.Semaphore
    turns: asyncio.Semaphore
    step: Step | None

    def fail(self, error: Exception) -> None:
        """Stop the driver with this error."""
        ...
