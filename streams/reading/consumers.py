"""aiokafka's consumer, reading records whatever the names of their headers are.

aiokafka itself treats a batch with a name that is not UTF-8 as corrupt, and never gets past it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.record.memory_records import _MemoryRecordsPy
from typing_extensions import override

from streams.reading.batches import records_of
from streams.reading.renamed import renamed
from streams.reading.topic_names import PLAIN, TopicNames


class _Batch:
    """One batch, with the interface of aiokafka's."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch, self._data = batch, data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        return records_of(self._data, self._batch)


class _Batches(_MemoryRecordsPy):  # type: ignore[misc]  # final for type checkers only
    """All batches of a response, with the interface of aiokafka's ``MemoryRecords``."""

    @override
    def next_batch(self, *_: Any) -> Any:
        data = self._next_slice
        batch = super().next_batch()
        return batch if data is None else _Batch(batch, data)


class _Fetcher(Fetcher):  # type: ignore[misc]  # aiokafka has no types
    _proc_fetch_request = renamed(
        Fetcher._proc_fetch_request,  # noqa: SLF001  the only place where it creates them
        MemoryRecords=_Batches,
    )


class _AnyHeaders(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's consumer, except that names that are not UTF-8 are decoded with surrogate escapes."""

    start = renamed(AIOKafkaConsumer.start, Fetcher=_Fetcher)


class Consumer(_AnyHeaders):
    """The same, for partitions and records by our names of topics, whatever `topic_names` they have at the broker."""

    def __init__(self, *topics: str, topic_names: TopicNames = PLAIN, **options: Any) -> None:
        super().__init__(*map(topic_names.at_broker, topics), **options)
        self.topic_names = topic_names

    @override
    def assign(self, partitions: Iterable[TopicPartition]) -> Any:
        return super().assign(self.topic_names.there(partitions))

    @override
    def seek(self, partition: TopicPartition, offset: int) -> Any:
        return super().seek(*self.topic_names.there([partition]), offset)

    @override
    async def seek_to_beginning(self, *partitions: TopicPartition) -> Any:
        return await super().seek_to_beginning(*self.topic_names.there(partitions))

    @override
    async def seek_to_end(self, *partitions: TopicPartition) -> Any:
        return await super().seek_to_end(*self.topic_names.there(partitions))

    @override
    async def position(self, partition: TopicPartition) -> Any:
        return await super().position(*self.topic_names.there([partition]))

    @override
    async def committed(self, partition: TopicPartition) -> Any:
        return await super().committed(*self.topic_names.there([partition]))

    @override
    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> Any:
        return self.topic_names.here(await super().beginning_offsets(self.topic_names.there(partitions)))

    @override
    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> Any:
        return self.topic_names.here(await super().end_offsets(self.topic_names.there(partitions)))

    @override
    def pause(self, *partitions: TopicPartition) -> Any:
        return super().pause(*self.topic_names.there(partitions))

    @override
    def resume(self, *partitions: TopicPartition) -> Any:
        return super().resume(*self.topic_names.there(partitions))

    @override
    def assignment(self) -> Any:
        return set(self.topic_names.here(dict.fromkeys(super().assignment())))

    @override
    async def getmany(self, *partitions: TopicPartition, **options: Any) -> Any:
        fetched = await super().getmany(*self.topic_names.there(partitions), **options)
        return fetched if self.topic_names.is_plain else self._by_our_names(fetched)

    def _by_our_names(self, fetched: Mapping[TopicPartition, list[Any]]) -> dict[TopicPartition, list[Any]]:
        found = self.topic_names.here(fetched)
        return {tp: [replace(record, topic=tp.topic) for record in records] for tp, records in found.items()}
