"""Follows the topics into the console's state: the only part of the console that talks to a broker."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from schemas.topics import TOPICS
from streams.auditing.reading import LogRecord
from streams.connections import aiokafka_options
from streams.console.console_state import ConsoleState
from streams.console.console_topics import HISTORY, HISTORY_RECORDS, MEASURED, TAIL_RECORDS, read_topics, skipping_to
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.reading.consumers import Consumer
from streams.settings import Settings

MEASURE_EVERY_S = 1.0
LOOK_FOR_PARTITIONS_EVERY_S = 10.0
RECORDS_MAX = 1_000
"""Records of one step: pages are served between two steps."""
STOP_TIMEOUT_S = 5.0


class Follower:
    """Reads committed records, without a consumer group, and measures ends and the workers' committed positions."""

    def __init__(self, settings: Settings, bootstrap: str, state: ConsoleState) -> None:
        self.state = state
        self._topics = frozenset(read_topics(listener_history=state.listener_history))
        self._group = settings.group
        self._options = aiokafka_options(settings, bootstrap)
        self._consumer: Any = None
        self._admin: Any = None
        self._read: set[TopicPartition] = set()
        self._measured: set[TopicPartition] = set()

    async def run(self) -> None:
        """Follow until cancelled; raises Kafka's errors, except that an unavailable broker is waited for."""
        self._consumer = Consumer(
            isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False, **self._options
        )
        own = {name: value for name, value in self._options.items() if name != "topic_names"}
        self._admin = AIOKafkaAdminClient(**own)
        try:
            await self._consumer.start()
            await self._admin.start()
            await asyncio.gather(self._follow(), self._measure())
        finally:
            closing = [asyncio.create_task(client.stop()) for client in (self._consumer,)]
            closing.append(asyncio.create_task(self._admin.close()))
            await asyncio.wait(closing, timeout=STOP_TIMEOUT_S)

    async def _follow(self) -> None:
        looked_s = float("-inf")
        while True:
            if time.monotonic() - looked_s >= LOOK_FOR_PARTITIONS_EVERY_S or not self._read:
                looked_s = time.monotonic()
                with self._patience():
                    await self._find_partitions()
            if not self._read:  # the topics are not there yet
                await asyncio.sleep(MEASURE_EVERY_S)
                continue
            with self._patience():
                batches = await self._consumer.getmany(timeout_ms=200, max_records=RECORDS_MAX)
                for partition, records in batches.items():
                    self.state.take(_plain(partition.topic, records))
            await asyncio.sleep(0)

    async def _find_partitions(self) -> None:
        """Assign partitions that are new: all of them at the start."""
        cluster = await self._consumer._client.fetch_all_metadata()  # noqa: SLF001  a public look creates topics
        names = self._consumer.topic_names
        measured = {
            _at(name, number)
            for name in MEASURED
            for number in cluster.partitions_for_topic(names.at_broker(name)) or ()
        }
        if measured == self._measured:
            return
        found = {partition for partition in measured if partition.topic in self._topics}
        positions = {partition: await self._consumer.position(partition) for partition in self._read & found}
        self._consumer.assign(sorted(measured))  # all of them: the client looks for leaders of others one after another
        self._consumer.pause(*(measured - positions.keys()))  # until it is known where to begin
        for partition, position in positions.items():
            self._consumer.seek(partition, position)
        await self._begin(sorted(found - positions.keys()))
        self._consumer.resume(*found)
        self._read, self._measured = found, measured

    async def _begin(self, partitions: Sequence[TopicPartition]) -> None:
        """Start at the beginning of compacted topics, and not too far before the end of all others."""
        starts = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        for partition in partitions:
            is_short = TOPICS[partition.topic].is_compacted
            tail = HISTORY_RECORDS if partition.topic in HISTORY else TAIL_RECORDS
            start = starts[partition] if is_short else max(starts[partition], ends[partition] - tail)
            self._consumer.seek(partition, start)

    async def _measure(self) -> None:
        while True:
            with self._patience():
                await self._measure_once()
            await asyncio.sleep(MEASURE_EVERY_S)

    async def _measure_once(self) -> None:
        partitions = sorted(self._measured)
        if not partitions:
            return
        ends = await self._consumer.end_offsets(partitions)
        positions = {partition: await self._consumer.position(partition) for partition in self._read & ends.keys()}
        ours = self._consumer.topic_names.ours
        committed = await self._admin.list_consumer_group_offsets(self._group)
        self.state.meter.note(
            wall_clock_ms(),
            {(partition.topic, partition.partition): end for partition, end in ends.items()},
            {(ours(one.topic), one.partition): told.offset for one, told in committed.items() if told.offset >= 0},
        )
        self._skip(ends, positions)
        self.state.unread_count = sum(max(0, ends[partition] - at) for partition, at in positions.items())

    def _skip(self, ends: Mapping[TopicPartition, int], positions: dict[TopicPartition, int]) -> None:
        """Leave out what listeners did a while ago, where more happens than is read."""
        for partition, at in positions.items():
            on = skipping_to(partition.topic, at, ends[partition])
            if on != at:
                self.state.skipped_count += on - at
                self._consumer.seek(partition, on)
                positions[partition] = on

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Go on when a broker is away: the age of the newest sample tells. A missing right is not waited for."""
        try:
            yield
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError):
            raise
        except (KafkaError, TimeoutError):
            self.state.failed_count += 1


def _at(topic: str, partition: int) -> TopicPartition:
    return TopicPartition(topic, partition)


def _plain(topic: str, records: Sequence[Any]) -> list[LogRecord]:
    return [
        LogRecord(topic, one.partition, one.offset, one.key, one.value, one.headers, one.timestamp) for one in records
    ]
