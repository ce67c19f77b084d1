"""Reads a partition from its beginning to its end in columns, committed records only, in bounded memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from streams.exactly_once.consumer.column_fetcher import consumer_of_columns
from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.records.read_records import Records

RECORDS_MAX = 10_000
FETCH_S = 0.2
STOP_TIMEOUT_S = 2.0
FETCH_BYTES = 4 * 1_048_576


@asynccontextmanager
async def log_consumer(settings: DriverSettings, *, committed: bool = True) -> AsyncIterator[Any]:
    """A consumer of single partitions."""
    consumer = consumer_of_columns(RECORDS_MAX)(
        **settings.client_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if committed else "read_uncommitted",
        fetch_max_wait_ms=settings.fetch_wait_ms,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        with contextlib.suppress(TimeoutError):  # aiokafka waits for an unreachable broker
            await asyncio.wait_for(consumer.stop(), STOP_TIMEOUT_S)


async def columns_of(settings: DriverSettings, tp: TopicPartition, start: int | None = None) -> AsyncIterator[Records]:
    """All committed records of a partition, from an offset or its beginning up to its present end."""
    async with log_consumer(settings) as consumer:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        if start is None:
            await consumer.seek_to_beginning(tp)
        else:
            consumer.seek(tp, start)
        while await consumer.position(tp) < end:
            fetcher = consumer._fetcher  # noqa: SLF001  as the driver's own consumer does
            with fetcher._subscriptions.fetch_context():  # noqa: SLF001
                fetched = await fetcher.fetched_records([tp], timeout=FETCH_S)
            if records := fetched.get(tp):
                yield records


async def ends_of(settings: DriverSettings, partitions: list[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
    """The last stable offset of each partition, and its end: they differ while a transaction is open."""
    ends = []
    for committed in (True, False):
        async with log_consumer(settings, committed=committed) as consumer:
            ends.append(await consumer.end_offsets(partitions))
    return {tp: (ends[0][tp], ends[1][tp]) for tp in partitions}


async def counts_of(settings: DriverSettings) -> dict[str, int]:
    """Number of partitions of every topic, by a broker's metadata."""
    client = AIOKafkaClient(**settings.client_options())
    try:
        await client.bootstrap()
        cluster = await client.fetch_all_metadata()
        return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}
    finally:
        await client.close()
