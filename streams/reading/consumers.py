"""aiokafka's consumer, reading records whatever the names of their headers are.

aiokafka itself treats a batch with a name that is not UTF-8 as corrupt, and never gets past it.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.record.memory_records import _MemoryRecordsPy
from typing_extensions import override

from streams.reading.batches import records_of
from streams.reading.renamed import renamed


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


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's consumer, except that names that are not UTF-8 are decoded with surrogate escapes."""

    start = renamed(AIOKafkaConsumer.start, Fetcher=_Fetcher)
