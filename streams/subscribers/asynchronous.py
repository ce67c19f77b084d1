"""Subscribes to shelf rankings on an event loop, with aiokafka."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka import TopicPartition

from schemas.rankings import HOME
from streams.reading.consumers import Consumer
from streams.subscribers.ranking_table import TOPIC, Found, RankingTable, TopicMissingError
from streams.topics.partitions import partitions_of

FOLLOWED_MAX = 10_000
STOP_TIMEOUT_S = 5.0  # aiokafka waits for a broker that is gone
_T = TypeVar("_T")


class AsyncRankingSubscriber:
    """Reads the compacted topic from its beginning, then stays with it; only what was committed counts.

    `options` are aiokafka's own; `streams.connections.aiokafka_options` makes them of settings (TLS, SASL). A broker
    that goes away and comes back is waited for; `get` goes on answering, `behind_count` says how current it is.

        async with AsyncRankingSubscriber("127.0.0.1:9092") as subscriber:
            await subscriber.caught_up()
            page = subscriber.get("u1")
    """

    def __init__(self, bootstrap: str, *, surface: str = HOME, **options: Any) -> None:
        self.table = RankingTable(surface)
        self._options = {**options, "bootstrap_servers": bootstrap}
        self._consumer: Any = None
        self._partitions: list[TopicPartition] = []
        self._reading: asyncio.Task[None] | None = None
        self._caught_up = asyncio.Event()
        self._arrivals: asyncio.Queue[str] | None = None

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
        self._reading = asyncio.create_task(self._read(ends), name=TOPIC)
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
        """Whether all that stood in the topic at the start has been read."""
        return self._caught_up.is_set()

    @property
    def behind_count(self) -> int:
        """How many records the broker has, as far as it has said, that have not been read yet."""
        states = [self._consumer._subscription.subscription.assignment.state_value(it) for it in self._partitions]  # noqa: SLF001  the public calls wait
        return sum(max(0, (state.lso or 0) - state.position) for state in states if state.has_valid_position)

    async def caught_up(self) -> None:
        """Wait until all that stood in the topic at the start has been read; raises what reading raised."""
        await self._or_failed(self._caught_up.wait())

    def get(self, user_id: str, *, user_group: int | None = None) -> Found | None:
        """The ranking to show this listener now; raises what reading raised."""
        if self._reading is not None and self._reading.done():
            self._reading.result()
        return self.table.get(user_id, user_group=user_group)

    async def follow(self) -> AsyncIterator[str]:
        """The user of each ranking: those known by now, then as they come; raises what reading raised.

        `get` has the rankings. Whoever is slower than the topic loses the oldest of 10,000, counted as `not_followed`.
        """
        self._arrivals = asyncio.Queue(maxsize=FOLLOWED_MAX)
        for user_id in self.table.users():
            yield user_id
        while True:
            yield await self._or_failed(self._arrivals.get())

    async def _or_failed(self, waited_for: Coroutine[Any, Any, _T]) -> _T:
        """Wait for something that reading brings about, or raise as reading did."""
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
        numbers = await partitions_of(self._consumer, TOPIC)
        if not numbers:
            raise TopicMissingError
        return [TopicPartition(TOPIC, number) for number in numbers]

    async def _read(self, ends: dict[TopicPartition, int]) -> None:
        while True:
            if not self._caught_up.is_set():
                positions = {partition: await self._consumer.position(partition) for partition in ends}
                if all(positions[partition] >= end for partition, end in ends.items()):
                    self._caught_up.set()
            batches = await self._consumer.getmany(timeout_ms=200)
            for records in batches.values():
                for record in records:
                    if self.table.put(record.key, record.value) and self._arrivals is not None:
                        self._announce(self.table.user_of(record.key))

    def _announce(self, user_id: str) -> None:
        assert self._arrivals is not None
        if self._arrivals.full():
            self._arrivals.get_nowait()
            self.table.counters["not_followed"] += 1
        self._arrivals.put_nowait(user_id)
