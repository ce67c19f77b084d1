"""Reads a compacted topic on an event loop, with aiokafka, from its beginning on."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka import TopicPartition

from schemas.moved import is_moved
from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of
from streams.subscribers.topic_missing import TopicMissingError

STOP_TIMEOUT_S = 5.0  # aiokafka waits for an unreachable broker
_T = TypeVar("_T")


class AsyncTopicReader:
    """Reads a topic in the background, committed records only; subclasses process each record in `_take`.

    `options` are aiokafka's own; `streams.connections.aiokafka_options` derives them from settings (TLS, SASL).
    """

    def __init__(self, bootstrap: str, topic: str, **options: Any) -> None:
        self._topic = topic
        self._options = {**options, "bootstrap_servers": bootstrap}
        self._consumer: Any = None
        self._partitions: list[TopicPartition] = []
        self._reading: asyncio.Task[None] | None = None
        self._caught_up = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._consumer = Consumer(
            isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False, **self._options
        )
        try:
            await self._consumer.start()
            self._partitions = await self._find_partitions()
            self._consumer.assign(self._partitions)
            await self._consumer.seek_to_beginning(*self._partitions)
            ends = await self._consumer.end_offsets(self._partitions)
        except BaseException:
            await self._consumer.stop()
            raise
        self._reading = asyncio.create_task(self._read(ends), name=self._topic)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await asyncio.wait([asyncio.create_task(self._consumer.stop())], timeout=STOP_TIMEOUT_S)

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was in the topic at the start has been read."""
        return self._caught_up.is_set()

    @property
    def behind_count(self) -> int:
        """Number of unread records, as far as known from the broker."""
        there = self._consumer.topic_names.there(self._partitions)
        states = [self._consumer._subscription.subscription.assignment.state_value(it) for it in there]  # noqa: SLF001  the public methods wait
        return sum(max(0, (state.lso or 0) - state.position) for state in states if state.has_valid_position)

    async def caught_up(self) -> None:
        """Wait until everything that was in the topic at the start has been read; raises errors of reading."""
        await self._or_failed(self._caught_up.wait())

    def refuse_if_failed(self) -> None:
        """Raise the error of reading, if there was one."""
        if self._reading is not None and self._reading.done():
            self._reading.result()

    async def _or_failed(self, waited_for: Coroutine[Any, Any, _T]) -> _T:
        """Wait for an event of the reading task, or raise its error."""
        assert self._reading is not None
        waiting = asyncio.create_task(waited_for)
        try:
            await asyncio.wait([waiting, self._reading], return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                self._reading.result()
            return await waiting
        finally:
            waiting.cancel()

    async def _find_partitions(self) -> list[TopicPartition]:
        numbers = await partitions_of(self._consumer, self._topic)
        if not numbers:
            raise TopicMissingError(self._topic)
        return [TopicPartition(self._topic, number) for number in numbers]

    async def _read(self, ends: dict[TopicPartition, int]) -> None:
        while True:
            if not self._caught_up.is_set():
                positions = {partition: await self._consumer.position(partition) for partition in ends}
                if all(positions[partition] >= end for partition, end in ends.items()):
                    self._caught_up.set()
            batches = await self._consumer.getmany(timeout_ms=200)
            for records in batches.values():
                for record in records:
                    if record.value is not None or not is_moved(record.headers):
                        self._take(record.key, record.value)
            await self._follow_growth()

    async def _follow_growth(self) -> None:
        """Read partitions that the topic has got meanwhile, as far as the client has heard of them."""
        known = self._consumer.partitions_for_topic(self._topic) or set()
        more = [TopicPartition(self._topic, number) for number in sorted(known) if number >= len(self._partitions)]
        if not more:
            return
        positions = {partition: await self._consumer.position(partition) for partition in self._partitions}
        self._partitions = [*self._partitions, *more]
        self._consumer.assign(self._partitions)
        for partition, position in positions.items():
            self._consumer.seek(partition, position)
        await self._consumer.seek_to_beginning(*more)

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        raise NotImplementedError
