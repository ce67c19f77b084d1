"""Reads broadcast topics in full, outside the group, and keeps the newest record of each key."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import NOT_ALLOWED, not_allowed
from streams.exactly_once.observer import Observer
from streams.exactly_once.records.read_records import Record
from streams.reading.consumers import Consumer

POLL_MS = 200
STOP_TIMEOUT_S = 2.0


class BroadcastReader:
    """One reader per worker, for the broadcast topics of all its tasks.

    A task that is opened starts from ``newest``; ``deliver`` is called on the event loop with subsequent records.
    Records without a key are ignored, because no later record could replace them.
    """

    def __init__(
        self,
        settings: DriverSettings,
        topics: Iterable[str],
        *,
        deliver: Callable[[str, Sequence[Record]], None],
        observer: Observer,
    ) -> None:
        self._settings = settings
        self._topics = sorted(set(topics))
        self._deliver = deliver
        self._observer = observer
        self._newest: dict[str, dict[tuple[int, bytes], Record]] = {topic: {} for topic in self._topics}
        self._positions: dict[TopicPartition, int] = {}
        self.caught_up = asyncio.Event()

    def newest(self, topic: str) -> list[Record]:
        """The newest records of all keys that are not deleted, by partition and offset."""
        records = self._newest[topic].values()
        return sorted(records, key=lambda record: (record.partition, record.offset))

    async def run(self) -> None:
        """Read until cancelled; if the broker becomes unavailable, resume where it stopped.

        Raises NotAllowedError.
        """
        if not self._topics:
            self.caught_up.set()
            return
        started_s = time.monotonic()
        while True:
            try:
                await self._read(started_s)
            except NOT_ALLOWED as error:
                raise not_allowed(error, "read broadcast topics") from error
            except (KafkaError, OSError):
                await asyncio.sleep(self._settings.reopen_backoff_ms / 1000)

    async def _read(self, started_s: float) -> None:
        consumer = Consumer(
            **self._settings.client_options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=self._settings.fetch_wait_ms,
        )
        try:
            await consumer.start()
            partitions = await self._assign(consumer)
            ends = await consumer.end_offsets(partitions)
            while True:
                for tp, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                    self._take(tp, records)
                if not self.caught_up.is_set() and await self._is_at(consumer, ends):
                    self.caught_up.set()
                    count = sum(len(rows) for rows in self._newest.values())
                    self._observer.broadcast_caught_up(records=count, seconds=time.monotonic() - started_s)
        finally:
            with contextlib.suppress(TimeoutError):  # aiokafka waits for an unreachable broker
                await asyncio.wait_for(consumer.stop(), STOP_TIMEOUT_S)

    async def _assign(self, consumer: Consumer) -> list[TopicPartition]:
        partitions = []
        for topic in self._topics:
            await consumer._client._wait_on_metadata(topic)  # noqa: SLF001  no public API without a subscription
            partitions += [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*(tp for tp in partitions if tp not in self._positions))
        for tp, offset in self._positions.items():
            consumer.seek(tp, offset)
        return partitions

    @staticmethod
    async def _is_at(consumer: Consumer, ends: dict[TopicPartition, int]) -> bool:
        for tp, end in ends.items():
            if await consumer.position(tp) < end:
                return False
        return True

    def _take(self, tp: TopicPartition, records: Sequence[Record]) -> None:
        newest = self._newest[tp.topic]
        keyed = [record for record in records if record.key is not None]
        for record in keyed:
            assert record.key is not None
            if record.value is None:
                newest.pop((record.partition, record.key), None)
            else:
                newest[record.partition, record.key] = record
        self._positions[tp] = records[-1].offset + 1
        if keyed:
            self._deliver(tp.topic, keyed)
        self._observer.broadcast_read(tp.topic, tp.partition, position=self._positions[tp], records=len(records))
