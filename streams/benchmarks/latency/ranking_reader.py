"""Reads rankings as a subscriber does, and tells which stream-ends they know of."""

import time
from typing import Any

import msgspec
from aiokafka import TopicPartition

from schemas.rankings import ShelfRanking
from streams.benchmarks.latency.answers import Answers
from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of
from streams.tasks.routing import topic_of

RANKINGS = topic_of(ShelfRanking)
TIMEOUT_MS = 100


class _Known(msgspec.Struct):
    """The part of a ranking that is needed here."""

    user_id: str
    sources: dict[str, int]


class RankingReader:
    """Follows the rankings of a cluster from its start on."""

    def __init__(self, bootstrap: str) -> None:
        self.answers = Answers()
        self.rankings_count = 0
        self._bootstrap = bootstrap
        self._consumer: Any = None

    async def start(self) -> None:
        """Begin at the present ends of all partitions."""
        self._consumer = Consumer(
            bootstrap_servers=self._bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )
        await self._consumer.start()
        partitions = [TopicPartition(RANKINGS, number) for number in await partitions_of(self._consumer, RANKINGS)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)

    async def run(self) -> None:
        """Follow until cancelled."""
        decode = msgspec.json.Decoder(_Known).decode
        try:
            while True:
                batches = await self._consumer.getmany(timeout_ms=TIMEOUT_MS)
                at_s = time.monotonic()
                for record in (record for records in batches.values() for record in records if record.value):
                    known = decode(record.value)
                    self.rankings_count += 1
                    self.answers.ranked(known.user_id, known_offset=known.sources.get("stream-ends", -1), at_s=at_s)
        finally:
            await self._consumer.stop()
