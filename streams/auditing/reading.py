"""Reads topics like an ordinary client: committed records only, from the beginning to the present end."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of

POLL_MS = 10  # short: at the end of a partition there are only markers, which return nothing
FETCH_BYTES = 16 * 1_048_576


class LogRecord(NamedTuple):
    """A record of the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp_ms: int | None = None  # None: not read; below one: the record has none


async def stream_committed(bootstrap: str, topic: str, options: Mapping[str, Any] | None = None) -> AsyncIterator[Any]:
    """All committed records of a topic up to its present end, one partition after the other.

    In this order a key's records are read as they were written, also if it has moved: only to a higher partition.
    `options` are aiokafka's own: security, for example. Yields aiokafka's records.
    """
    consumer = Consumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
        **(options or {}),
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in await partitions_of(consumer, topic)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        for partition, end in sorted(ends.items()):
            while await consumer.position(partition) < end:
                for batch in (await consumer.getmany(partition, timeout_ms=POLL_MS)).values():
                    for record in batch:
                        yield record
    finally:
        await consumer.stop()


async def read_records(
    bootstrap: str, topic: str, options: Mapping[str, Any] | None = None
) -> AsyncIterator[LogRecord]:
    """The same, as plain values."""
    async for record in stream_committed(bootstrap, topic, options):
        place = (topic, record.partition, record.offset)
        yield LogRecord(*place, record.key, record.value, record.headers, record.timestamp)


async def newest_by_key(bootstrap: str, topic: str, options: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """The newest committed value of each key, without those that were removed, in the order in which they were written.

    Replaced values are dropped while the topic is read, so memory is that of the result, however long the log is.
    """
    found: dict[str, bytes] = {}
    async for record in stream_committed(bootstrap, topic, options):
        name = (record.key or b"").decode(errors="replace")
        found.pop(name, None)
        if record.value is not None:
            found[name] = record.value
    return found


async def read_committed(
    bootstrap: str, topic: str, options: Mapping[str, Any] | None = None
) -> list[tuple[bytes | None, bytes | None]]:
    """All committed records of a topic up to its present end, as (key, value)."""
    return [(record.key, record.value) async for record in stream_committed(bootstrap, topic, options)]
