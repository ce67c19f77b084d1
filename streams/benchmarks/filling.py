"""Fills topics at full speed: whole batches, partitioned by Kafka's own partitioner."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from processors.worlds.home_page import Event
from schemas.catalogue import CatalogueCard
from schemas.codec import encode
from schemas.impressions import Impression
from streams.exactly_once.records.partitioner import Partitioner

BATCH_BYTES = 500_000
UNDER_WAY_MAX = 64


class Keyed(NamedTuple):
    """One record for one topic; by default with the time of writing, and the partition of its key."""

    topic: str
    key: bytes
    value: bytes
    timestamp_ms: int | None = None
    partition: int | None = None


def keyed(event: Event | CatalogueCard) -> Keyed:
    """The record of an input message.

    >>> from tests.builders import card
    >>> keyed(card("c7")).key
    b'c7'
    """
    if isinstance(event, CatalogueCard):
        return Keyed("catalogue", event.card_id.encode(), encode(event))
    topic = "impressions" if isinstance(event, Impression) else "stream-ends"
    return Keyed(topic, event.user_id.encode(), encode(event))


async def fill(bootstrap: str, records: Iterable[Keyed]) -> Counter[str]:
    """Write records in order (per partition) and wait for acknowledgements; returns the number per topic."""
    written: Counter[str] = Counter()
    partition_of = Partitioner().partition_of
    open_batches: dict[tuple[str, int], Any] = {}
    under_way: list[Any] = []
    counts: dict[str, int] = {}
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_BYTES) as producer:
        for topic, key, value, timestamp_ms, partition in records:
            if topic not in counts:
                counts[topic] = len(await producer.partitions_for(topic))
            place = (topic, partition_of(key, counts[topic]) if partition is None else partition)
            batch = open_batches.get(place) or open_batches.setdefault(place, producer.create_batch())
            if batch.append(timestamp=timestamp_ms, key=key, value=value) is None:
                under_way.append(await producer.send_batch(batch, topic, partition=place[1]))
                open_batches[place] = producer.create_batch()
                open_batches[place].append(timestamp=timestamp_ms, key=key, value=value)
            written[topic] += 1
            if len(under_way) >= UNDER_WAY_MAX:
                await asyncio.gather(*under_way)
                under_way.clear()
        for (topic, number), batch in open_batches.items():
            under_way.append(await producer.send_batch(batch, topic, partition=number))
        await asyncio.gather(*under_way)
    return written
