"""Compaction and the batch codec as pure functions: for every log, not for the ones we thought of."""

from collections.abc import Sequence

import pytest
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.broker import record_batch as batches
from streams.broker.cleaner import compacted, rules_of
from streams.broker.log import PartitionLog
from streams.broker.log_compaction import Compactor, Rules, latest_offsets
from streams.broker.producers import WrittenBatch
from streams.broker.protocol_errors import KafkaFailure
from streams.broker.record_batch import BatchHeader, Record, parse_header
from streams.broker.storage import MemoryStorage
from streams.broker.topic_config import LogSettings
from tests.brokers.mortal_storage import KilledError, MortalStorage
from tests.brokers.raw_client import write_batch

REPEATABLE = settings(deadline=None, derandomize=True)
BYTES = st.binary(max_size=20)
NULLABLE = st.none() | BYTES
RECORDS = st.lists(
    st.builds(
        Record,
        offset=st.just(0),
        timestamp_ms=st.integers(0, 2**41),
        key=NULLABLE,
        value=NULLABLE,
        headers=st.lists(st.tuples(st.text(max_size=5).map(str.encode), NULLABLE), max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=20,
)


def header_of(records: Sequence[Record], base_offset: int = 0) -> BatchHeader:
    first_ms = records[0].timestamp_ms
    return BatchHeader(base_offset, 0, 0, 2, 0, 0, len(records) - 1, first_ms, first_ms, -1, -1, -1, len(records))


@REPEATABLE
@given(RECORDS, st.integers(0, 2**40))
def test_what_is_written_is_read_by_us_and_by_aiokafka(found: list[Record], base_offset: int) -> None:
    records = [
        Record(base_offset + index, each.timestamp_ms, each.key, each.value, each.headers)
        for index, each in enumerate(found)
    ]
    data = batches.rebuild(header_of(records, base_offset), records)
    header = parse_header(data)
    assert header.size == len(data)
    assert batches.has_valid_checksum(data, header)
    assert list(batches.read_records(data)) == records
    theirs = [
        (each.offset, each.timestamp, each.key, each.value, [(k.encode(), v) for k, v in each.headers])
        for each in DefaultRecordBatch(bytearray(data))
    ]
    assert theirs == [(each.offset, each.timestamp_ms, each.key, each.value, list(each.headers)) for each in records]


@REPEATABLE
@given(RECORDS, st.data())
def test_one_flipped_bit_is_noticed(found: list[Record], data: st.DataObject) -> None:
    written = batches.rebuild(
        header_of(found),
        [Record(index, each.timestamp_ms, each.key, each.value, each.headers) for index, each in enumerate(found)],
    )
    position = data.draw(st.integers(batches.ATTRIBUTES_OFFSET, len(written) - 1))
    written[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(KafkaFailure):
        batches.split(bytes(written))


def test_sequences_wrap_around() -> None:
    header = parse_header(write_batch(b"a", b"b", b"c", producer=(1, 0), sequence=2**31 - 2))
    assert header.last_sequence == 0


SETTINGS = {"cleanup.policy": "compact", "segment.bytes": "400", "delete.retention.ms": "10"}


class History:
    """A log that is written by plain and transactional producers, as Hypothesis tells it to."""

    def __init__(self) -> None:
        settings = LogSettings.of(SETTINGS)
        self.storage = MemoryStorage()
        self.log = PartitionLog(self.storage, "t", settings=settings, clock_ms=lambda: 1_000)
        self.sequences = {1: 0, 2: 0}

    def put(self, producer_id: int, items: list[tuple[bytes, bytes | None]]) -> None:
        keys, values = zip(*items, strict=True)
        is_transactional = producer_id in self.sequences
        data = write_batch(
            *values,
            keys=keys,
            timestamp_ms=1_000,
            producer=(producer_id, 0) if is_transactional else (-1, -1),
            sequence=self.sequences.get(producer_id, -1),
            transactional=is_transactional,
        )
        self.log.append(parse_header(data), data)
        if is_transactional:
            self.sequences[producer_id] += len(items)

    def end(self, producer_id: int, *, committed: bool) -> None:
        if producer_id in self.log.producers.open_transactions:
            self.log.append_marker(producer_id, 0, committed=committed)

    def reopen(self) -> None:
        settings = self.log.settings
        self.log = PartitionLog(self.storage, "t", settings=settings, clock_ms=lambda: 1_000)

    def committed(self) -> list[tuple[int, bytes | None, bytes | None]]:
        """What a read_committed reader makes of the whole log, as the clients do it."""
        log = self.log
        seen: list[tuple[int, bytes | None, bytes | None]] = []
        offset, stable = log.start_offset, log.last_stable_offset
        while offset < stable:
            fetched = log.read(offset, max_bytes=1 << 30, committed=True, at_least_one=True)
            data = memoryview(fetched.data)
            if not data:
                break
            aborting = sorted((entry.first_offset, entry.producer_id) for entry in fetched.aborted or ())
            active: set[int] = set()
            while data:
                header = parse_header(data)
                while aborting and aborting[0][0] <= header.last_offset:
                    active.add(aborting.pop(0)[1])
                if header.is_control:
                    active.discard(header.producer_id)
                elif not (header.is_transactional and header.producer_id in active):
                    seen += [
                        (each.offset, each.key, each.value)
                        for each in batches.read_records(data)
                        if each.offset >= offset
                    ]
                data = data[header.size :]
                following = header.last_offset + 1
            offset = following
        return seen

    def compact(self, now_ms: int) -> None:
        log = self.log
        log.roll()
        segments = [each for each in log.segments[:-1] if each.last_offset < log.last_stable_offset]
        if segments:
            groups = compacted(segments, log.cleaned_offset, 400, rules_of(log, now_ms))
            log.replace_segments([(group.segments, group.batches) for group in groups])


KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
ITEMS = st.lists(st.tuples(KEYS, st.none() | st.binary(min_size=1, max_size=8)), min_size=1, max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from([0, 1, 2]), ITEMS),
        st.tuples(st.just("end"), st.sampled_from([1, 2]), st.booleans()),
        st.tuples(st.just("compact"), st.integers(1_000, 1_030), st.none()),
        st.tuples(st.just("reopen"), st.none(), st.none()),
    ),
    max_size=40,
)


def view(committed: list[tuple[int, bytes | None, bytes | None]]) -> dict[bytes | None, bytes]:
    """The table that a reader builds: the latest value of every key, a tombstone removes it."""
    table: dict[bytes | None, bytes] = {}
    for _, key, value in committed:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return table


@settings(REPEATABLE, max_examples=300)
@given(STEPS)
def test_compaction_and_restarts_change_no_readers_table(steps: list[tuple[str, int, object]]) -> None:
    clean, dirty = History(), History()
    for kind, number, argument in steps:
        if kind == "put":
            clean.put(number, argument)  # type: ignore[arg-type]
            dirty.put(number, argument)  # type: ignore[arg-type]
        elif kind == "end":
            clean.end(number, committed=bool(argument))
            dirty.end(number, committed=bool(argument))
        elif kind == "compact":
            dirty.compact(number)
        else:
            dirty.reopen()
        assert dirty.log.end_offset == clean.log.end_offset
        assert dirty.log.last_stable_offset == clean.log.last_stable_offset
        assert dirty.log.producers.open_transactions == clean.log.producers.open_transactions
    expected, found = clean.committed(), dirty.committed()
    assert view(found) == view(expected)
    assert set(found) <= set(expected), "no record is invented, none moves"
    offsets = [offset for offset, _, _ in found]
    assert offsets == sorted(set(offsets))
    for producer_id, state in clean.log.producers.states.items():
        kept = dirty.log.producers.states[producer_id]
        assert (kept.epoch, list(kept.batches)[-1:]) == (state.epoch, list(state.batches)[-1:])


def test_a_marker_stays_as_long_as_a_record_of_its_transaction() -> None:
    history = History()
    history.put(1, [(b"a", b"committed")])
    history.end(1, committed=True)
    for producer_id in (2, 1):
        history.put(producer_id, [(b"b", b"aborted")])
        history.end(producer_id, committed=False)
    for now_ms in (1_000, 2_000, 3_000):
        history.compact(now_ms)
        history.reopen()
        assert history.log.last_stable_offset == history.log.end_offset
        assert [value for _, _, value in history.committed()] == [b"committed"]


def test_of_every_key_one_record_is_left() -> None:
    history = History()
    for number in range(50):
        history.put(0, [(b"a", b"%d" % number), (b"b", b"x")])
    history.compact(1_000)
    assert [(key, value) for _, key, value in history.committed()] == [(b"a", b"49"), (b"b", b"x")]
    assert len(history.log.segments) <= 3


def test_a_batch_that_keeps_all_its_records_keeps_its_bytes() -> None:
    data = bytes(batches.stamped(write_batch(b"1", b"2", keys=(b"a", b"b")), 0))
    rules = Rules(now_ms=0, delete_retention_ms=0, aborted={}, last_batch_offsets={})
    assert Compactor(latest_offsets([data], rules), rules).compact(data) is data


def last_batches(log: PartitionLog) -> dict[int, list[WrittenBatch]]:
    return {producer_id: list(state.batches)[-1:] for producer_id, state in log.producers.states.items()}


def test_a_kill_in_the_middle_of_compaction_changes_nothing() -> None:
    kills = 0
    for writes in range(100):
        history = History()
        for number in range(12):
            history.put(number % 3, [(b"a", b"%d" % number), (b"%d" % number, b"x"), (b"b", None)])
            history.end(number % 3, committed=number % 2 == 0)
        history.log.roll()
        before, end = view(history.committed()), history.log.end_offset
        sequences = last_batches(history.log)
        mortal = MortalStorage(history.storage, writes)
        log = PartitionLog(mortal, "t", settings=history.log.settings, clock_ms=lambda: 1_000)
        groups = compacted(log.segments[:-1], 0, 600, rules_of(log, 1_000))
        try:
            log.replace_segments([(group.segments, group.batches) for group in groups])
        except KilledError:
            kills += 1
        history.reopen()
        assert view(history.committed()) == before, f"killed after {writes} writes"
        assert history.log.end_offset == end
        assert last_batches(history.log) == sequences
        bases = [parse_header(data).base_offset for each in history.log.segments for data in each.batches()]
        assert bases == sorted(set(bases)), "nothing is there twice"
        assert history.log.last_stable_offset == end
        if mortal.writes_left >= 0:
            break
    assert kills > 3
