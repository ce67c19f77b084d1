"""The record batches of a fetch response, with the interfaces that aiokafka's fetcher expects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatch
from crc32c import crc32c

from streams.exactly_once.records.batch_header import (
    APPEND_TIME,
    CHECKED_FROM,
    CODEC,
    CONTROL,
    COUNTED_FROM,
    HEADER_BYTES,
    MAGIC_2,
    TRANSACTIONAL,
    header_at,
    value_of,
)
from streams.exactly_once.records.batch_reading import BatchRanges, read_columns
from streams.exactly_once.records.compression import DECODERS
from streams.exactly_once.records.read_records import Records


@dataclass(frozen=True, slots=True)
class Piece:
    """The records of one batch from an offset on; ``data[start:end]`` contains the ``count`` records of the batch.

    ``offset`` is the last offset of the batch, whether compacted away or not; aiokafka takes it for a record's offset.
    """

    data: bytes
    start: int
    end: int
    count: int
    offset: int
    base_offset: int
    first_ms: int
    appended_ms: int
    from_offset: int = 0

    def beginning_at(self, offset: int) -> "Piece":
        """The piece without records before an offset."""
        return replace(self, from_offset=offset)


class FetchedBatch:
    """One batch with the interface of aiokafka's ``DefaultRecordBatch``, but iteration yields one piece."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data, self._start, self._end = data, start, end
        header = header_at(data, start)
        self.base_offset, self.producer_id = header.base_offset, header.producer_id
        self.next_offset = header.base_offset + header.last_offset_delta + 1
        self.is_transactional = bool(header.attributes & TRANSACTIONAL)
        self.is_control_batch = bool(header.attributes & CONTROL)
        self._checksum, self._count, self._first_ms = header.checksum, header.record_count, header.first_ms
        self._appended_ms = header.last_ms if header.attributes & APPEND_TIME else -1
        self._codec = header.attributes & CODEC

    def validate_crc(self) -> bool:
        """Whether the checksum is right."""
        return bool(crc32c(memoryview(self._data)[self._start + CHECKED_FROM : self._end]) == self._checksum)

    def __next__(self) -> DefaultRecord:
        """The first record, which tells the kind of a control batch."""
        return next(DefaultRecordBatch(self._data[self._start : self._end]))

    def __iter__(self) -> Iterator[Piece]:
        """Yield its records, decompressed, as one piece if there are any."""
        if self._count <= 0:
            return
        data, start, end = self._data, self._start + HEADER_BYTES, self._end
        if self._codec:
            if self._codec not in DECODERS:
                raise UnsupportedCodecError(f"Unknown compression codec {self._codec:#04x}")
            data = DECODERS[self._codec](data[start:end])
            start, end = 0, len(data)
        yield Piece(
            data, start, end, self._count, self.next_offset - 1, self.base_offset, self._first_ms, self._appended_ms
        )


class FetchedBatches:
    """All batches of a response, with the interface of aiokafka's ``MemoryRecords``; a truncated one is left out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def size_in_bytes(self) -> int:
        """Size of the response."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether another complete batch follows."""
        return self._end() <= len(self._data)

    def next_batch(self) -> FetchedBatch | None:
        """The next batch.

        Raises CorruptRecordException if it is not a batch, or is in a format older than transactions.
        """
        start, end = self._at, self._end()
        if end > len(self._data):
            return None
        if end - start < HEADER_BYTES or value_of("magic", self._data, start) != MAGIC_2:
            raise CorruptRecordException("a batch is not in format 2, the only one that this driver reads")
        self._at = end
        return FetchedBatch(self._data, start, end)

    def _end(self) -> int:
        if len(self._data) - self._at < COUNTED_FROM:
            return len(self._data) + 1
        return self._at + COUNTED_FROM + max(value_of("length", self._data, self._at), 0)


def read_pieces(tp: TopicPartition, pieces: Sequence[Piece]) -> Records:
    """Read pieces together.

    Raises CorruptRecordException.
    """
    data, starts = pieces[0].data, [it.start for it in pieces]
    if any(it.data is not data for it in pieces):
        sizes = [it.end - it.start for it in pieces]
        data = b"".join(it.data[it.start : it.end] for it in pieces)
        starts = (np.cumsum(sizes) - sizes).tolist()
    ranges = BatchRanges(
        *(
            np.array(column, np.int64)
            for column in zip(
                *(
                    (
                        start,
                        start + it.end - it.start,
                        it.count,
                        it.base_offset,
                        it.first_ms,
                        it.appended_ms,
                        it.from_offset,
                    )
                    for start, it in zip(starts, pieces, strict=True)
                ),
                strict=True,
            )
        )
    )
    try:
        columns = read_columns(np.frombuffer(data, np.uint8), ranges)
    except ValueError as error:
        raise CorruptRecordException(f"Found invalid record structure in {tp}: {error}") from error
    return Records(
        tp.topic,
        tp.partition,
        offsets=columns.offsets,
        timestamps=columns.timestamps,
        keys=columns.keys,
        values=columns.values,
        headers=columns.headers,
    )
