"""Checks that clients use Kafka's own partitioner, before a worker starts and in `topics verify`."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from schemas.topics import TOPICS, Role
from streams.exactly_once.records.placement import looks_like, partition_of
from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of

LOOKED_AT, PATIENCE_S = 200, 5.0
TELLING = 8
"""Fewer keys may be where another number of partitions puts them by chance."""
INPUTS = tuple(topic.name for topic in TOPICS.values() if topic.role is Role.INPUT)


class Misplaced(NamedTuple):
    """A topic whose newest records are in other partitions than their keys require."""

    topic: str
    wrong_count: int
    looked_at: int
    looks_like: str | None

    def __str__(self) -> str:
        by = f"; it looks like {self.looks_like}" if self.looks_like else ""
        return (
            f"{self.wrong_count} of the newest {self.looked_at} records of {self.topic} are in another partition than "
            f"Kafka's own partitioner (murmur2) puts them{by}: set murmur2 in that client (librdkafka: "
            f"partitioner=murmur2_random), then `shelfwise dlq replay {self.topic} --reason wrong_partition`"
        )


async def misplaced_inputs(bootstrap: str, options: Mapping[str, Any]) -> list[Misplaced]:
    """Check the newest records of each input topic; `options` are aiokafka's own.

    Raises aiokafka's errors, TimeoutError.
    """
    consumer = Consumer(
        **{**options, "bootstrap_servers": bootstrap}, auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            await consumer.start()
            return [found for topic in INPUTS if (found := await _looked_at(consumer, topic)) is not None]
    finally:
        await consumer.stop()


async def _looked_at(consumer: Any, topic: str) -> Misplaced | None:
    partitions = [TopicPartition(topic, number) for number in await partitions_of(consumer, topic)]
    if len(partitions) < 2:
        return None
    consumer.assign(partitions)
    first, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    for tp in partitions:
        consumer.seek(tp, max(first[tp], ends[tp] - LOOKED_AT))
    placed: list[tuple[bytes, int]] = []
    while any([await consumer.position(tp) < end for tp, end in ends.items()]):
        for tp, records in (await consumer.getmany(timeout_ms=100)).items():
            placed += [(record.key, tp.partition) for record in records if record.key is not None]
    wrong = misplaced_keys(placed, len(partitions))
    return Misplaced(topic, len(wrong), len(placed), looks_like(placed, len(partitions))) if wrong else None


def misplaced_keys(placed: list[tuple[bytes, int]], partition_count: int) -> list[tuple[bytes, int]]:
    """Keys that are in another partition than Kafka's partitioner puts them, with their partitions.

    None if all of them, and not just a few, are right under one earlier number of partitions: then the topic has grown,
    and these are from before, or of clients that have not heard of it; workers forward them.

    >>> placed = [(b"user-%d" % it, partition_of(b"user-%d" % it, 4)) for it in range(20)]
    >>> len(misplaced_keys(placed, 12)), len(misplaced_keys([(key, 0) for key, _ in placed], 12))
    (0, 19)
    """
    wrong = [(key, partition) for key, partition in placed if partition_of(key, partition_count) != partition]
    earlier = [count for count in range(2, partition_count) if partition_count % count == 0]
    has_grown = len(wrong) >= TELLING and any(
        all(partition_of(key, count) == partition for key, partition in wrong) for count in earlier
    )
    return [] if has_grown else wrong
