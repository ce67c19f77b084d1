"""kafka-python's consumer, reading records whatever the names of their headers are."""

from typing import Any

from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecords

from streams.reading.header_names import AnyNames, ReplacedText
from streams.reading.renamed import renamed


class _KindBatch(AnyNames, DefaultRecordBatch):  # type: ignore[misc]  # kafka-python has no types
    _text = ReplacedText


class _Batches(MemoryRecords):  # type: ignore[misc]  # kafka-python has no types
    next_batch: Any = renamed(MemoryRecords.next_batch, DefaultRecordBatch=_KindBatch)


class _Fetcher(Fetcher):  # type: ignore[misc]  # kafka-python has no types
    _parse_fetched_data = renamed(
        Fetcher._parse_fetched_data,  # noqa: SLF001  the only place where it creates them
        MemoryRecords=_Batches,
    )


class WaitingConsumer(KafkaConsumer):  # type: ignore[misc]  # kafka-python has no types
    """kafka-python's consumer, except that invalid bytes in header names become U+FFFD."""

    __init__ = renamed(KafkaConsumer.__init__, Fetcher=_Fetcher)
