"""What all partitions of a worker share, as a partition sees it."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from aiokafka import TopicPartition

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.observer import Observer
from streams.exactly_once.partitions.broadcast_reader import BroadcastReader


class Feed(Protocol):
    """What a partition needs of the consumer."""

    async def is_member(self) -> bool:
        """Whether the group's coordinator still knows us."""
        ...

    async def bounds(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """The earliest offset of each partition, and the next one after what is committed there."""
        ...

    async def seek(self, positions: Mapping[TopicPartition, int]) -> int:
        """Seek, and give the number that batches fetched from there carry."""
        ...

    def is_read_up(self, partition: TopicPartition) -> bool:
        """Whether the last fetch found nothing more to read there."""
        ...

    def end(self, partition: TopicPartition) -> int | None:
        """The next offset after what is committed there, as far as the last fetches said; None before the first."""
        ...

    def fetched_count(self, partition: TopicPartition, seek: int) -> int:
        """Batches fetched of a partition since this seek."""
        ...

    async def await_leaders(self, partitions: Collection[TopicPartition]) -> None:
        """Return once every partition, of whatever topic, has a leader that answers."""
        ...


class WorkerContext(Protocol):
    """Settings, ears and hands."""

    settings: DriverSettings
    observer: Observer
    broadcasts: BroadcastReader
    feed: Feed
    clock_ms: Callable[[], int]
    restoring: asyncio.Semaphore

    def fail(self, error: Exception) -> None:
        """Stop the driver with this error."""
        ...
