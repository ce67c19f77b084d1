"""Writes records unchanged, with any headers, keys, timestamps and partitions, bypassing the client's checks."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.exactly_once.records.batch_builder import Batches
from streams.exactly_once.records.compression import Compression
from streams.exactly_once.records.produced import Produced

CHUNK = 2_000
BATCH_BYTES = 500_000


async def fill_raw(bootstrap: str, records: Iterable[Produced], compression: Compression | None = None) -> Counter[str]:
    """Write records in order (per partition) with acknowledgements; returns the number per topic."""
    written: Counter[str] = Counter()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=2**24) as producer:
        counts: dict[str, int] = {}
        left = iter(records)
        while chunk := list(islice(left, CHUNK)):
            by_topic: defaultdict[str, list[Produced]] = defaultdict(list)
            for record in chunk:
                by_topic[record.topic].append(record)
            for topic in by_topic.keys() - counts.keys():
                counts[topic] = len(await producer.partitions_for(topic))
            await _send(producer, by_topic, counts, compression)
            written.update({topic: len(some) for topic, some in by_topic.items()})
    return written


async def _send(
    producer: Any, by_topic: dict[str, list[Produced]], counts: dict[str, int], compression: Compression | None
) -> None:
    batches = Batches(BATCH_BYTES, compression, time.time_ns() // 1_000_000, is_transactional=False)
    for topic, records in by_topic.items():
        placed = batches.of_outputs(records, {topic: counts[topic]}, number=0)
        await asyncio.gather(
            *[await producer.send_batch(batch, name, partition=partition) for name, partition, batch in placed]
        )
