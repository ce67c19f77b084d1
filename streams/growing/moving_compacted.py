"""Moves the records of a compacted topic to the partitions where their keys belong, while nobody writes to it.

A record is copied and its old place is deleted in one transaction; copy and tombstone say by a header that nothing has
changed (`schemas.moved`). A move that was cut begins again: it copies what it copied before, from the old versions in
the log, which are still the newest.
"""

import asyncio

from aiokafka import AIOKafkaProducer, TopicPartition

from processors.telling import Tell
from schemas.moved import MOVED, is_moved
from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.records.batch_builder import Batches
from streams.exactly_once.records.produced import Produced
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.growing.chunk import BYTES_MAX, ROWS_MAX
from streams.growing.growth import ELSEWHERE, Growth
from streams.growing.log_columns import columns_of


async def move_compacted(settings: DriverSettings, topic: str, name: str, growth: Growth, tell: Tell) -> int:
    """Move the records of all old partitions of a topic, called `name` at the broker; returns how many were moved."""
    producer = AIOKafkaProducer(
        **settings.client_options(), transactional_id=mover_id(settings.group, topic), acks="all"
    )
    await producer.start()
    try:
        return sum(
            [await _move(settings, producer, TopicPartition(name, old), growth, tell) for old in range(growth.before)]
        )
    finally:
        await producer.stop()


def mover_id(group: str, topic: str) -> str:
    """The transactional id that moves a compacted topic.

    >>> mover_id("shelfwise", "shelf-rankings")
    'shelfwise-grow-shelf-rankings'
    """
    return f"{group}-grow-{topic}"


async def _move(
    settings: DriverSettings, producer: AIOKafkaProducer, old: TopicPartition, growth: Growth, tell: Tell
) -> int:
    newest: dict[bytes, tuple[Record, int]] = {}
    size = done = moved = 0
    async for records in columns_of(settings, old):
        places = growth.places(records.keys, old.partition).tolist()
        for record, place in zip(records, places, strict=True):
            if record.key is None or place in (old.partition, ELSEWHERE):
                continue
            if record.value is None and is_moved(record.headers):  # by an attempt that was cut
                continue
            newest[record.key] = record, place
            size += len(record.key) + len(record.value or b"")
        done += len(records)
        if size >= BYTES_MAX or len(newest) >= ROWS_MAX:
            moved += await _write(settings, producer, old, newest)
            tell(f"records of {old.topic}-{old.partition} read", done)
            newest, size = {}, 0
    if newest:
        moved += await _write(settings, producer, old, newest)
    tell(f"records of {old.topic}-{old.partition} moved", moved, moved)
    return moved


async def _write(
    settings: DriverSettings, producer: AIOKafkaProducer, old: TopicPartition, newest: dict[bytes, tuple[Record, int]]
) -> int:
    """Copy these records and delete them from the old partition, in one transaction."""
    topic = old.topic
    produced = [
        Produced(topic, key, it.value, (*it.headers, MOVED), place, it.timestamp if it.timestamp > 0 else None)
        for key, (it, place) in newest.items()
    ]
    produced += [Produced(topic, key, None, (MOVED,), old.partition) for key in newest]
    count = len(await producer.partitions_for(topic))
    batches = Batches(settings.produce_max_batch_bytes, settings.compression, wall_clock_ms())
    placed = await asyncio.to_thread(batches.of_outputs, produced, {topic: count}, 0)
    async with producer.transaction():
        sent = [await producer.send_batch(batch, topic, partition=partition) for _, partition, batch in placed]
        await asyncio.gather(*sent)
    return len(newest)
