"""Subscribes to shelf rankings on an event loop, with aiokafka."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.subscribers.ranking_table import TOPIC, Found, RankingTable


class AsyncRankingSubscriber:
    """Reads the compacted topic from its beginning, then stays with it; only what was committed counts.

    `options` are aiokafka's own (security, client_id). Use it as an asynchronous context manager:

        async with AsyncRankingSubscriber("127.0.0.1:9092") as subscriber:
            await subscriber.caught_up()
            page = subscriber.get("u1")
    """

    def __init__(self, bootstrap: str, **options: Any) -> None:
        self.table = RankingTable()
        self._options = {**options, "bootstrap_servers": bootstrap}
        self._consumer: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._caught_up = asyncio.Event()
        self._arrivals: asyncio.Queue[str] | None = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False, **self._options
        )
        await self._consumer.start()
        try:
            partitions = await self._partitions()
            self._consumer.assign(partitions)
            await self._consumer.seek_to_beginning(*partitions)
            ends = await self._consumer.end_offsets(partitions)
        except BaseException:
            await self._consumer.stop()
            raise
        self._reading = asyncio.create_task(self._read(ends), name="shelf-rankings")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._consumer.stop()

    async def caught_up(self) -> None:
        """Wait until all that stood in the topic at the start has been read; raises what reading raised."""
        assert self._reading is not None
        waiting = asyncio.create_task(self._caught_up.wait())
        await asyncio.wait([waiting, self._reading], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._reading.done():
            self._reading.result()

    def get(self, user_id: str, *, user_group: int | None = None) -> Found | None:
        """The ranking to show this listener now."""
        return self.table.get(user_id, user_group=user_group)

    async def follow(self) -> AsyncIterator[str]:
        """The user of each new ranking, as they come; the rankings themselves are in `get`."""
        self._arrivals = asyncio.Queue(maxsize=10_000)
        while True:
            yield await self._arrivals.get()

    async def _partitions(self) -> list[TopicPartition]:
        known: set[int] | None = None
        async with asyncio.timeout(30):
            while not known:
                await self._consumer._client.force_metadata_update()  # noqa: SLF001  the public call reads the cache
                cluster = self._consumer._client.cluster  # noqa: SLF001
                known = cluster.partitions_for_topic(TOPIC)
                if not known:
                    await self._consumer._client.set_topics([TOPIC])  # noqa: SLF001
        return [TopicPartition(TOPIC, number) for number in sorted(known)]

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
                        self._announce((record.key or b"").decode(errors="replace"))

    def _announce(self, user_id: str) -> None:
        assert self._arrivals is not None
        if self._arrivals.full():
            self._arrivals.get_nowait()
            self.table.counters["not_followed"] += 1
        self._arrivals.put_nowait(user_id)
