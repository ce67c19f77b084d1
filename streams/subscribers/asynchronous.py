"""Subscribes to shelf rankings on an event loop, with aiokafka."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka import TopicPartition

from schemas.rankings import HOME
from streams.reading.consumers import Consumer
from streams.reading.partitions import partitions_of
from streams.subscribers.ranking_table import TOPIC, Found, RankingTable, TopicMissingError

STOP_TIMEOUT_S = 5.0  # aiokafka waits for an unreachable broker
_T = TypeVar("_T")


class _Arrivals:
    """Queue of listeners with a ranking that the follower has not seen, each once."""

    def __init__(self, users: Iterable[str]) -> None:
        self.some = asyncio.Event()
        self._users: dict[str, None] = {}
        for user_id in users:
            self.add(user_id)

    def add(self, user_id: str) -> None:
        """Add a listener with a new ranking."""
        self._users[user_id] = None
        self.some.set()

    def take(self) -> str:
        """The next listener; wait for `some` first."""
        user_id = next(iter(self._users))
        del self._users[user_id]
        if not self._users:
            self.some.clear()
        return user_id


class AsyncRankingSubscriber:
    """Reads the compacted topic from its beginning, then follows it; committed records only.

    `options` are aiokafka's own; `streams.connections.aiokafka_options` derives them from settings (TLS, SASL). While a
    broker is unavailable, `get` keeps answering, and `behind_count` tells how current it is.

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
        self._followers: list[_Arrivals] = []

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
        """Whether everything that was in the topic at the start has been read."""
        return self._caught_up.is_set()

    @property
    def behind_count(self) -> int:
        """Number of unread records, as far as known from the broker."""
        states = [self._consumer._subscription.subscription.assignment.state_value(it) for it in self._partitions]  # noqa: SLF001  the public methods wait
        return sum(max(0, (state.lso or 0) - state.position) for state in states if state.has_valid_position)

    async def caught_up(self) -> None:
        """Wait until everything that was in the topic at the start has been read; raises errors of reading."""
        await self._or_failed(self._caught_up.wait())

    def get(self, user_id: str, *, user_group: int | None = None) -> Found | None:
        """The ranking to show to this listener now; raises errors of reading."""
        if self._reading is not None and self._reading.done():
            self._reading.result()
        return self.table.get(user_id, user_group=user_group)

    async def follow(self, *, since_now: bool = False) -> AsyncIterator[str]:
        """Yield listeners with new rankings: first each existing one once, then as rankings arrive.

        With `since_now` only those that arrive from now on. Use `get` for the ranking. A listener who gets several
        rankings before being yielded is yielded once, and `get` returns the newest. Raises errors of reading.
        """
        await self.caught_up()
        arrivals = _Arrivals([] if since_now else self.table.users())
        self._followers.append(arrivals)
        try:
            while True:
                await self._or_failed(arrivals.some.wait())
                yield arrivals.take()
        finally:
            self._followers.remove(arrivals)

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
                    if self.table.put(record.key, record.value):
                        user_id = self.table.user_of(record.key)
                        for follower in self._followers:
                            follower.add(user_id)
