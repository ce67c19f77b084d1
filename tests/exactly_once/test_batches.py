"""The batches that the driver lays out are those that aiokafka's own builder would have made."""

from collections.abc import Sequence

import numpy as np
import pytest
from aiokafka import TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.memory_records import MemoryRecords as KafkaPythonRecords

from streams.broker.record_batch import read_records
from streams.exactly_once.records.batch_builder import Batches, PlacedBatch
from streams.exactly_once.records.batch_layout import RecordColumns, lay_out
from streams.exactly_once.records.compression import Compression
from streams.exactly_once.records.partitioner import Partitioner
from streams.exactly_once.records.produced import Produced, ProducedColumns, RowColumns, StateRow
from streams.exactly_once.records.spans import Spans

NOW_MS = 1_700_000_000_000
BYTES_MAX = 600
CODES: dict[Compression | None, int] = {None: 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

strings = st.none() | st.binary(max_size=20) | st.integers(0, 700).map(lambda size: b"x" * size)
stamps = st.none() | st.integers(0, 2**41)
headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=70)), max_size=3)
outputs = st.builds(
    Produced, st.sampled_from(["a", "b"]), strings, strings, headers, st.none() | st.integers(0, 2), stamps
)


def builders_batches(
    produced: Sequence[Produced], number: int, compression: Compression | None = None
) -> list[tuple[str, int, bytearray]]:
    """One record after the other to aiokafka's builder."""
    partition_of = Partitioner().partition_of
    made: dict[tuple[str, int], list[BatchBuilder]] = {}
    for topic, key, value, its_headers, partition, stamp_ms in produced:
        hashed = number % 3 if key is None else partition_of(key, 3)
        batches = made.setdefault((topic, hashed if partition is None else partition), [])
        record = {"timestamp": NOW_MS if stamp_ms is None else stamp_ms, "key": key, "value": value}
        if not batches or batches[-1].append(**record, headers=list(its_headers)) is None:
            batches.append(BatchBuilder(BYTES_MAX, CODES[compression], is_transactional=1))
            batches[-1].append(**record, headers=list(its_headers))
    return [(*place, built(batch)) for place in sorted(made) for batch in made[place]]


def built(batch: BatchBuilder) -> bytearray:
    batch._set_producer_state(12345678901, 7, 99)  # noqa: SLF001  as aiokafka's sender does
    return batch._build()  # noqa: SLF001  as above


def in_columns(produced: Sequence[Produced]) -> list[Produced | ProducedColumns]:
    """Every other record in columns of one; the same records."""
    return [
        ProducedColumns(
            it.topic,
            Spans.of([it.key]),
            Spans.of([it.value]),
            None if it.partition is None else np.array([it.partition], np.int32),
            None if it.timestamp_ms is None else np.array([it.timestamp_ms]),
        )
        if index % 2 and not it.headers
        else it
        for index, it in enumerate(produced)
    ]


def finished(placed: Sequence[PlacedBatch]) -> list[tuple[str, int, bytearray]]:
    return [(topic, partition, built(batch)) for topic, partition, batch in placed]


@given(st.lists(outputs, max_size=40), st.integers(0, 5), st.booleans())
def test_outputs_are_laid_out_byte_for_byte(produced: list[Produced], number: int, columns: bool) -> None:
    counts = dict.fromkeys(sorted({it.topic for it in produced}), 3)
    given_out = in_columns(produced) if columns else produced
    placed = Batches(BYTES_MAX, None, NOW_MS).of_outputs(given_out, counts, number)
    assert finished(placed) == builders_batches(produced, number)
    assert len(lay_out.signatures) <= 1  # type: ignore[attr-defined]  # whatever the columns: to compile takes seconds


@given(st.lists(st.builds(StateRow, st.binary(max_size=20), strings), max_size=40), st.booleans())
def test_rows_are_laid_out_byte_for_byte(rows: list[StateRow], columns: bool) -> None:
    given_out = [RowColumns(Spans.of(it.key for it in rows), Spans.of(it.value for it in rows))] if columns else rows
    placed = Batches(BYTES_MAX, None, NOW_MS).of_rows(given_out, TopicPartition("state", 2))
    assert finished(placed) == builders_batches([Produced("state", *row, partition=2) for row in rows], 0)


@settings(max_examples=30)
@given(st.lists(outputs, min_size=1, max_size=20), st.sampled_from(list(CODES)))
def test_every_reader_reads_back_what_was_laid_out(produced: list[Produced], compression: Compression | None) -> None:
    counts = dict.fromkeys(sorted({it.topic for it in produced}), 3)
    placed = finished(Batches(BYTES_MAX, compression, NOW_MS).of_outputs(produced, counts, 0))
    expected = builders_batches(produced, 0, compression)
    for (topic, partition, data), (*place, wanted) in zip(placed, expected, strict=True):
        assert [topic, partition] == place
        readers = (MemoryRecords, KafkaPythonRecords) if compression in {None, "gzip"} else (MemoryRecords,)
        for reader in readers:
            batch, wanted_batch = reader(bytes(data)).next_batch(), reader(bytes(wanted)).next_batch()
            assert batch.validate_crc()
            assert [(it.offset, it.timestamp, it.key, it.value, list(it.headers)) for it in batch] == [
                (it.offset, it.timestamp, it.key, it.value, list(it.headers)) for it in wanted_batch
            ]
        if compression is None:
            assert list(read_records(bytes(data))) == list(read_records(bytes(wanted)))


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_what_can_be_compressed_is(compression: Compression) -> None:
    row = StateRow(b"key", b"x" * 500)
    ((*_, batch),) = Batches(BYTES_MAX, compression, NOW_MS).of_rows([row], TopicPartition("state", 0))
    assert batch.size() < 200


@pytest.mark.parametrize(
    ("starts", "lengths", "partitions"), [([-1], [1], [0]), ([0], [4], [0]), ([3], [1], [0]), ([0], [1], [-1])]
)
def test_what_points_nowhere_is_refused(starts: list[int], lengths: list[int], partitions: list[int]) -> None:
    column = Spans(np.zeros(3, np.uint8), np.array(starts), np.array(lengths))
    columns = RecordColumns(column, column, column, np.array(partitions, np.int32), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match=r"outside of its buffer|not chosen"):
        lay_out(columns, BYTES_MAX)
