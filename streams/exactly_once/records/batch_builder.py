"""Builds record batches from the content of a transaction: by partition, in the order of production."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

import numpy as np
from aiokafka import TopicPartition
from numpy.typing import NDArray

from streams.exactly_once.records.batch_layout import NOT_CHOSEN, RecordColumns, choose_partitions, lay_out
from streams.exactly_once.records.compression import Compression
from streams.exactly_once.records.headers import encoded
from streams.exactly_once.records.laid_batch import LaidBatch
from streams.exactly_once.records.produced import Produced, ProducedColumns, RowColumns, StateRow
from streams.exactly_once.records.spans import ABSENT, Spans

T = TypeVar("T", bound=np.generic)
PlacedBatch = tuple[str, int, LaidBatch]


class Batches:
    """Builds batches below ``bytes_max``; a record larger than that gets a batch of its own.

    Records without a timestamp get ``now_ms``.
    """

    def __init__(
        self, bytes_max: int, compression: Compression | None, now_ms: int, *, is_transactional: bool = True
    ) -> None:
        self._is_transactional = is_transactional
        self._bytes_max = bytes_max
        self._compression = compression
        self._now_ms = now_ms

    def of_outputs(
        self, produced: Iterable[Produced | ProducedColumns], counts: Mapping[str, int], number: int
    ) -> list[PlacedBatch]:
        """Build batches of outputs; ``counts`` are partitions by topic, ``number`` is the task's partition.

        >>> batches = Batches(900_000, None, now_ms=5)
        >>> [(topic, partition, batch.record_count()) for topic, partition, batch in batches.of_outputs(
        ...     [Produced("sums", b"a", b"1", partition=2), Produced("sums", None, b"2")], {"sums": 3}, number=4)]
        [('sums', 1, 1), ('sums', 2, 1)]
        """
        by_topic: dict[str, list[Produced | ProducedColumns]] = {topic: [] for topic in counts}
        for it in produced:
            by_topic[it.topic].append(it)
        placed = []
        for topic, count in counts.items():
            columns = self._in_columns(by_topic[topic])
            keys, partitions = plain(columns.keys), _frozen(columns.partitions, np.int32)
            chosen = choose_partitions(keys, partitions, count, number % count)
            placed += self._laid_out(topic, columns._replace(partitions=chosen))
        return placed

    def of_rows(self, rows: Sequence[StateRow | RowColumns], state: TopicPartition) -> list[PlacedBatch]:
        """Build batches of state rows for their partition of the state topic."""
        if not rows:
            return []
        columns: list[ProducedColumns] = []
        for kind, run in groupby(rows, key=type):
            if kind is RowColumns:
                columns.extend(ProducedColumns(state.topic, *it) for it in run if isinstance(it, RowColumns))
            else:
                keys, values = zip(*run, strict=True)
                columns.append(ProducedColumns(state.topic, Spans.of(keys), Spans.of(values)))
        joined = self._in_columns(columns)
        return self._laid_out(state.topic, joined._replace(partitions=np.full_like(joined.partitions, state.partition)))

    def _laid_out(self, topic: str, columns: RecordColumns) -> list[PlacedBatch]:
        records = RecordColumns(
            plain(columns.keys),
            plain(columns.values),
            plain(columns.headers),
            _frozen(columns.partitions, np.int32),
            _frozen(columns.stamps_ms, np.int64),
        )
        layout = lay_out(records, self._bytes_max)
        bounds = zip(layout.starts.tolist(), layout.ends.tolist(), strict=True)
        return [
            (topic, partition, self._batch(layout.data[start:end], count))
            for partition, count, (start, end) in zip(
                layout.partitions.tolist(), layout.counts.tolist(), bounds, strict=True
            )
        ]

    def _batch(self, data: NDArray[np.uint8], count: int) -> LaidBatch:
        return LaidBatch(data, count, self._compression, is_transactional=self._is_transactional)

    def _in_columns(self, produced: Iterable[Produced | ProducedColumns]) -> RecordColumns:
        parts: list[RecordColumns] = []
        for kind, run in groupby(produced, key=type):
            if kind is ProducedColumns:
                parts.extend(self._completed(it) for it in run if isinstance(it, ProducedColumns))
            else:
                parts.append(self._transposed([it for it in run if isinstance(it, Produced)]))
        if len(parts) == 1:
            return parts[0]
        return RecordColumns(
            _joined([it.keys for it in parts]),
            _joined([it.values for it in parts]),
            _joined([it.headers for it in parts]),
            np.concatenate([it.partitions for it in parts]),
            np.concatenate([it.stamps_ms for it in parts]),
        )

    def _transposed(self, produced: Sequence[Produced]) -> RecordColumns:
        _, keys, values, headers, partitions, stamps = zip(*produced, strict=True)
        has_headers = any(headers)
        return RecordColumns(
            Spans.of(keys),
            Spans.of(values),
            Spans.of([encoded(it) if it else None for it in headers]) if has_headers else _absent(len(produced)),
            np.array([NOT_CHOSEN if it is None else it for it in partitions], np.int32),
            np.array([self._now_ms if it is None else it for it in stamps], np.int64),
        )

    def _completed(self, columns: ProducedColumns) -> RecordColumns:
        size = columns.record_count
        partitions, stamps_ms = columns.partitions, columns.timestamps_ms
        return RecordColumns(
            columns.keys,
            columns.values,
            _absent(size),
            np.full(size, NOT_CHOSEN, np.int32) if partitions is None else partitions,
            np.full(size, self._now_ms, np.int64) if stamps_ms is None else stamps_ms,
        )


def plain(column: Spans) -> Spans:
    """Convert a column to one canonical array type: each further type costs seconds of compilation."""
    return Spans(_frozen(column.data, np.uint8), _frozen(column.starts, np.int64), _frozen(column.lengths, np.int64))


def _frozen(array: NDArray[T], kind: type[T]) -> NDArray[T]:
    plain = np.ascontiguousarray(array, kind).view()
    plain.flags.writeable = False
    return plain


def _absent(size: int) -> Spans:
    return Spans(np.empty(0, np.uint8), np.zeros(size, np.int64), np.full(size, ABSENT, np.int64))


def _joined(parts: Sequence[Spans]) -> Spans:
    """Concatenate columns; the start of None is arbitrary."""
    ends = np.cumsum([len(it.data) for it in parts]).tolist()
    offsets = [0, *ends[:-1]]
    return Spans(
        np.concatenate([it.data for it in parts]),
        np.concatenate([it.starts + offset for it, offset in zip(parts, offsets, strict=True)]),
        np.concatenate([it.lengths for it in parts]),
    )
