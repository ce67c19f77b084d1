"""What is fetched in columns is what aiokafka's own consumer gives record by record."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from streams.exactly_once.consumer.column_fetcher import PartitionPieces, consumer_of_columns
from streams.exactly_once.records.fetched_batches import FetchedBatches, read_pieces
from streams.exactly_once.records.read_records import ReadRecord, Record, Records
from tests.exactly_once.brokers import create_topics, fresh_prefix

TP = TopicPartition("t", 3)
ABORT, COMMIT = b"\0\0\0\0", b"\0\0\0\1"

strings = st.none() | st.binary(max_size=20) | st.integers(0, 300).map(lambda size: b"x" * size)
headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=70)), max_size=2)


class Stored(NamedTuple):
    """A batch as a log may hold it: some of its records compacted away."""

    records: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]]
    kept: list[bool]
    compression: int
    producer: int
    is_transactional: bool
    marker: bytes | None
    at_append: bool


batches = st.builds(
    Stored,
    st.lists(st.tuples(st.integers(0, 2**41), strings, strings, headers), min_size=1, max_size=6),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.integers(0, 4),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from([None, None, None, ABORT, COMMIT]),
    st.booleans(),
)


def laid(batch: Stored, base: int) -> bytes:
    """The bytes of a batch whose first offset this is."""
    is_marker = batch.marker is not None
    builder = DefaultRecordBatchBuilder(
        2,
        batch.compression if not is_marker and any(batch.kept[: len(batch.records)]) else 0,
        is_transactional=batch.is_transactional or is_marker,
        producer_id=batch.producer,
        producer_epoch=0,
        base_sequence=0,
        batch_size=10**9,
    )
    if is_marker:
        builder.append(0, 5, batch.marker, b"\0\0\0\0\0\0", [])
    else:
        for offset, (stamp_ms, key, value, its_headers) in enumerate(batch.records):
            if batch.kept[offset]:
                builder.append(offset, stamp_ms, key, value, its_headers)
    data = builder.build()
    last = 0 if is_marker else len(batch.records) - 1
    attributes = int.from_bytes(data[21:23]) | (0x20 if is_marker else 0) | (0x08 if batch.at_append else 0)
    data[0:8] = base.to_bytes(8)
    data[21:23] = attributes.to_bytes(2)
    data[23:27] = last.to_bytes(4)
    data[17:21] = calc_crc32c(bytes(data[21:])).to_bytes(4)
    return bytes(data)


def log_of(stored: Sequence[Stored], base: int) -> bytes:
    data = b""
    for batch in stored:
        data += laid(batch, base)
        base += 1 if batch.marker is not None else len(batch.records)
    return data


def seen(record: Record) -> ReadRecord:
    return ReadRecord(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        tuple(record.headers),
    )


@given(st.lists(batches, max_size=8), st.lists(st.tuples(st.integers(1, 3), st.integers(100, 130))), st.integers(0, 8))
def test_an_answer_gives_the_same_records_and_position(
    stored: list[Stored], aborted: list[tuple[int, int]], ahead: int
) -> None:
    data = log_of(stored, base=100) + b"cut off"
    rest = (100 + ahead, None, None, True, READ_COMMITTED)
    theirs = PartitionRecords(TP, MemoryRecords(data), aborted, *rest)
    ours = PartitionPieces(TP, FetchedBatches(data), aborted, *rest)
    expected = [seen(record) for record in theirs]
    pieces = list(ours)
    read: Sequence[Record] = read_pieces(TP, pieces) if pieces else ()
    assert list(read) == expected
    assert [read[index] for index in range(len(read))] == expected
    assert ours.next_fetch_offset == theirs.next_fetch_offset


@given(st.lists(batches, min_size=1, max_size=3), st.data())
def test_a_byte_that_changed_is_noticed(stored: list[Stored], data: st.DataObject) -> None:
    whole = log_of(stored, base=100)
    at = data.draw(st.integers(17, len(laid(stored[0], base=100)) - 1))  # what the checksum covers, and itself
    broken = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]

    def taken(kind: type[PartitionRecords], batches_of: type) -> list[ReadRecord] | None:
        try:
            found = list(kind(TP, batches_of(broken), [], 100, None, None, True, READ_COMMITTED))
            if kind is PartitionPieces:
                found = list(read_pieces(TP, found)) if found else []
        except CorruptRecordException:
            return None
        return [seen(record) for record in found]

    assert taken(PartitionPieces, FetchedBatches) == taken(PartitionRecords, MemoryRecords)


@given(batches, st.data())
def test_records_without_sense_are_read_or_refused(stored: Stored, data: st.DataObject) -> None:
    whole = laid(stored._replace(compression=0, marker=None, kept=[True] * 6), base=100)
    at = data.draw(st.integers(61, len(whole) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=20))[: len(whole) - at]
    broken = whole[:at] + junk + whole[at + len(junk) :]
    batch = FetchedBatches(broken).next_batch()
    assert batch is not None
    with suppress(CorruptRecordException):
        for column in (records := read_pieces(TP, list(batch))).keys, records.values, records.headers:
            assert (column.starts >= 61).all()
            assert (column.starts + column.lengths <= len(whole)).all()


def test_a_consumer_gives_columns_of_what_was_committed(bootstrap: str) -> None:
    topic = fresh_prefix()
    create_topics(bootstrap, {topic: 1})
    tp = TopicPartition(topic, 0)

    async def history() -> tuple[list[Records], list[ReadRecord]]:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic) as producer:
            for number in range(6):
                await producer.begin_transaction()
                for value in range(200):
                    await producer.send(topic, b"%d" % value, b"%d" % number, 0, headers=[("n", b"%d" % number)])
                await (producer.abort_transaction() if number % 3 == 1 else producer.commit_transaction())
        options = {"bootstrap_servers": bootstrap, "isolation_level": "read_committed", "auto_offset_reset": "earliest"}
        columns, records = [], []
        for kind in (consumer_of_columns(50), AIOKafkaConsumer):
            consumer = kind(**options)
            await consumer.start()
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            while await consumer.position(tp) < end:
                fetched = await consumer._fetcher.fetched_records([tp], timeout=0.1)  # noqa: SLF001
                (records if kind is AIOKafkaConsumer else columns).extend(fetched.values())
            await consumer.stop()
        return columns, [seen(record) for part in records for record in part]

    columns, records = asyncio.run(history())
    assert [record for part in columns for record in part] == records
    assert {record.key for record in records} == {b"0", b"2", b"3", b"5"}
    assert all(len(part) < 800 for part in columns)
    assert all(before.offsets[-1] < after.offsets[0] for before, after in pairwise(columns))
