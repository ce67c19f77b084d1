"""Follows the pipeline's output while it runs: co-clusters, metrics, alerts, lag."""

import asyncio
from collections import defaultdict
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codec import decode
from schemas.learning import CardGroup, CoClusters
from schemas.monitoring import DriftAlert, EngagementMetrics
from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of

FOLLOWED = ("co-clusters", "card-groups", "drift-alerts", "engagement-metrics")
INPUTS = ("impressions", "stream-ends")


class Watcher:
    """The newest records for the view and the report."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self.co_clusters: CoClusters | None = None
        self.card_groups: dict[str, CardGroup] = {}
        self.alerts: list[DriftAlert] = []
        self.metrics: dict[str, list[EngagementMetrics]] = defaultdict(list)
        self.counters: dict[str, int] = {}
        self.lag = 0
        self.processed_count = 0
        self._bootstrap = bootstrap
        self._group = group

    async def run(self) -> None:
        """Follow until cancelled."""
        consumer = Consumer(
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        offsets = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=self._group, enable_auto_commit=False)
        await consumer.start()
        await offsets.start()
        try:
            partitions = [
                TopicPartition(topic, number) for topic in FOLLOWED for number in await partitions_of(consumer, topic)
            ]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            while True:
                batches = await consumer.getmany(timeout_ms=250)
                for partition, records in batches.items():
                    for record in records:
                        self._take(decode(partition.topic, record.value))
                await self._measure_lag(offsets)
        finally:
            await consumer.stop()
            await offsets.stop()

    def _take(self, message: Any) -> None:
        if isinstance(message, CoClusters):
            self.co_clusters = message
        elif isinstance(message, CardGroup):
            self.card_groups[message.card_id] = message
        elif isinstance(message, DriftAlert):
            self.alerts.append(message)
        elif isinstance(message, EngagementMetrics):
            self.metrics[message.variant].append(message)
            if message.counters:
                self.counters = dict(message.counters)

    async def _measure_lag(self, offsets: Any) -> None:
        partitions = [
            TopicPartition(topic, number) for topic in INPUTS for number in await partitions_of(offsets, topic)
        ]
        ends = await offsets.end_offsets(partitions)
        committed = await asyncio.gather(*(offsets.committed(partition) for partition in partitions))
        self.processed_count = sum(position or 0 for position in committed)
        self.lag = sum(ends.values()) - self.processed_count
