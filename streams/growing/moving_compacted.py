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


class CompactedMove:
    """The move of one old partition of a topic of the table, which has its own name at the broker."""

    def __init__(self, settings: DriverSettings, topic: str, old: TopicPartition, growth: Growth, tell: Tell) -> None:
        self._settings, self._old, self._growth, self._tell = settings, old, growth, tell
        self._producer_id = mover_id(settings.group, topic, old.partition)

    async def run(self) -> int:
        """Move its records; returns how many were moved."""
        producer = AIOKafkaProducer(**self._settings.client_options(), transactional_id=self._producer_id, acks="all")
        await producer.start()
        try:
            return await self._move(producer)
        finally:
            await producer.stop()

    async def _move(self, producer: AIOKafkaProducer) -> int:
        old, where = self._old, f"records of {self._old.topic}-{self._old.partition}"
        newest: dict[bytes, tuple[Record, int]] = {}
        size = done = moved = 0
        async for records in columns_of(self._settings, old):
            places = self._growth.places(records.keys, old.partition).tolist()
            for record, place in zip(records, places, strict=True):
                if record.key is None or place in (old.partition, ELSEWHERE):
                    continue
                if record.value is None and is_moved(record.headers):  # by an attempt that was cut
                    continue
                newest[record.key] = record, place
                size += len(record.key) + len(record.value or b"")
            done += len(records)
            if size >= BYTES_MAX or len(newest) >= ROWS_MAX:
                moved += await self._write(producer, newest)
                self._tell(f"{where} read", done)
                newest, size = {}, 0
        if newest:
            moved += await self._write(producer, newest)
        self._tell(f"{where} moved", moved, moved)
        return moved

    async def _write(self, producer: AIOKafkaProducer, newest: dict[bytes, tuple[Record, int]]) -> int:
        """Copy these records and delete them from the old partition, in one transaction."""
        topic, settings = self._old.topic, self._settings
        produced = [
            Produced(topic, key, it.value, (*it.headers, MOVED), place, it.timestamp if it.timestamp > 0 else None)
            for key, (it, place) in newest.items()
        ]
        produced += [Produced(topic, key, None, (MOVED,), self._old.partition) for key in newest]
        count = len(await producer.partitions_for(topic))
        batches = Batches(settings.produce_max_batch_bytes, settings.compression, wall_clock_ms())
        placed = await asyncio.to_thread(batches.of_outputs, produced, {topic: count}, 0)
        async with producer.transaction():
            sent = [await producer.send_batch(batch, topic, partition=partition) for _, partition, batch in placed]
            await asyncio.gather(*sent)
        return len(newest)


def mover_id(group: str, topic: str, partition: int) -> str:
    """The transactional id that moves a partition of a compacted topic.

    >>> mover_id("shelfwise", "shelf-rankings", 3)
    'shelfwise-grow-shelf-rankings-3'
    """
    return f"{group}-grow-{topic}-{partition}"
