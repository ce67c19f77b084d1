"""What a kill leaves behind: every prefix of what was written is a broker that works."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.broker import record_batch as batches
from streams.broker.groups import CommittedOffset
from streams.broker.log import PartitionLog
from streams.broker.record_batch import parse_header
from streams.broker.state import BrokerState, Identity
from streams.broker.storage import DirectoryStorage, MemoryStorage, Storage
from streams.broker.topic_config import LogSettings
from streams.broker.transactions import PendingOffset, TransactionState
from tests.brokers.mortal_storage import KilledError, MortalStorage
from tests.brokers.raw_client import write_batch

IDENTITY = Identity(host="127.0.0.1", port=1)
STORAGES: list[Callable[[Path], Storage]] = [lambda _: MemoryStorage(), DirectoryStorage]


def write_transaction(state: BrokerState, *, committed: bool) -> None:
    """Two partitions and an offset in one transaction."""
    transactions = state.transactions
    record = transactions.init_producer("id", timeout_ms=60_000, producer_id=-1, epoch=-1)
    producer = (record.producer_id, record.epoch)
    transactions.add_partitions("id", *producer, [("t", 0), ("t", 1)])
    for partition in range(2):
        data = write_batch(b"a", b"b", producer=producer, sequence=0, transactional=True)
        state.topics.log("t", partition).append(parse_header(data), data)
    pending = PendingOffset(group_id="g", topic="t", partition=0, committed=CommittedOffset(7))
    transactions.add_offsets("id", *producer, [pending])
    transactions.end("id", *producer, committed=committed)


def is_committed(state: BrokerState, partition: int) -> bool:
    log = state.topics.log("t", partition)
    assert log.last_stable_offset == log.end_offset, "an undecided transaction is left"
    fetched = log.read(0, max_bytes=1 << 20, committed=True, at_least_one=True)
    return bool(fetched.data) and not fetched.aborted


@pytest.mark.parametrize("committed", [True, False])
def test_a_transaction_is_whole_wherever_the_process_dies(*, committed: bool) -> None:
    outcomes = []
    for writes in range(100):
        storage = MemoryStorage()
        BrokerState(storage, IDENTITY).topics.create("t", 2, {})
        state = None
        try:
            state = BrokerState(MortalStorage(storage, writes), IDENTITY)
            write_transaction(state, committed=committed)
        except KilledError:
            pass
        else:
            break
        revived = BrokerState(storage, IDENTITY)
        known = revived.transactions.by_id.get("id")
        if known is not None and known.state is TransactionState.ONGOING:
            revived.transactions.abort_and_fence("id")  # as its timeout or its successor would
        parts = {is_committed(revived, partition) for partition in range(2)}
        has_offset = revived.groups.offsets.get("g", {}).get(("t", 0)) == CommittedOffset(7)
        assert parts == {has_offset}, f"half a transaction after {writes} writes"
        outcomes.append(has_offset)
    assert len(outcomes) > 10
    assert set(outcomes) == ({True, False} if committed else {False})
    assert sorted(outcomes) == outcomes, "once decided it stays decided"


def open_log(storage: Storage, **configs: str) -> PartitionLog:
    return PartitionLog(storage, "logs/t", settings=LogSettings.of(configs), clock_ms=lambda: 1_000_000)


def append(log: PartitionLog, *values: bytes) -> None:
    data = write_batch(*values, timestamp_ms=5)
    log.append(parse_header(data), data)


def offsets(log: PartitionLog) -> Iterator[int]:
    for segment in log.segments:
        for data in segment.batches():
            yield from (record.offset for record in batches.read_records(data))


@pytest.mark.parametrize("storage_of", STORAGES)
@settings(deadline=None, derandomize=True)
@given(cut=st.integers(min_value=0, max_value=400), damage=st.booleans())
def test_a_torn_tail_is_cut_and_writing_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
    storage_of: Callable[[Path], Storage],
    cut: int,
    *,
    damage: bool,
) -> None:
    storage = storage_of(tmp_path_factory.mktemp("torn"))
    log = open_log(storage)
    for number in range(4):
        append(log, b"%d" % number, b"more")
    size = log.segments[0].size
    log.close()
    file = storage.open(log.segments[0].path)
    keep = max(0, size - cut)
    tail = file.read(keep, cut)
    file.truncate(keep)
    if damage:
        file.append(bytes(byte ^ 0x55 for byte in tail))
    file.close()
    revived = open_log(storage)
    survivors = list(offsets(revived))
    assert survivors == list(range(len(survivors)))
    assert len(survivors) == 2 * (keep // (size // 4)), "whole batches before the damage are kept"
    append(revived, b"after")
    assert list(offsets(revived)) == list(range(len(survivors) + 1))


@pytest.mark.parametrize("tear", [lambda data: data[:-3], lambda data: data[:-3] + b"???"])
def test_a_half_written_journal_entry_is_dropped(tmp_path: Path, tear: Callable[[bytes], bytes]) -> None:
    state = BrokerState(DirectoryStorage(tmp_path), IDENTITY)
    state.topics.create("kept", 1, {})
    state.close()
    journal = tmp_path / "journal"
    whole = journal.read_bytes()
    state = BrokerState(DirectoryStorage(tmp_path), IDENTITY)
    state.topics.create("torn", 1, {})
    state.close()
    journal.write_bytes(tear(journal.read_bytes()))
    revived = BrokerState(DirectoryStorage(tmp_path), IDENTITY)
    assert list(revived.topics.by_name) == ["kept"]
    assert len(whole) < journal.stat().st_size, "the journal goes on after the cut"
    revived.close()


@pytest.mark.parametrize("storage_of", STORAGES)
def test_everything_comes_back(tmp_path: Path, storage_of: Callable[[Path], Storage]) -> None:
    storage = storage_of(tmp_path)
    state = BrokerState(storage, IDENTITY)
    state.topics.create("t", 2, {"retention.ms": "99"})
    state.groups.commit("g", {("t", 1): CommittedOffset(3, 0, "note")})
    write_transaction(state, committed=True)
    state.topics.delete_records("t", 0, 1)
    before = state.transactions.by_id["id"]
    state.close()
    revived = BrokerState(storage, IDENTITY)
    assert revived.cluster_id == state.cluster_id
    assert revived.topics.by_name["t"].record == state.topics.by_name["t"].record
    assert revived.groups.offsets == state.groups.offsets
    assert revived.transactions.by_id == {"id": before}
    for partition in range(2):
        old, new = state.topics.log("t", partition), revived.topics.log("t", partition)
        assert (new.start_offset, new.end_offset) == (old.start_offset, old.end_offset)
        assert new.producers.states == old.producers.states
    assert revived.transactions.new_producer_id() > before.producer_id
    revived.close()


def test_a_topic_deleted_under_a_transaction_does_not_keep_it_from_ending() -> None:
    state = BrokerState(MemoryStorage(), IDENTITY)
    state.topics.create("t", 2, {})
    state.topics.create("u", 1, {})
    record = state.transactions.init_producer("id", timeout_ms=60_000, producer_id=-1, epoch=-1)
    producer = (record.producer_id, record.epoch)
    state.transactions.add_partitions("id", *producer, [("t", 0), ("t", 1), ("u", 0)])
    state.topics.delete("u")
    state.topics.delete("t")
    state.topics.create("t", 1, {})
    state.transactions.end("id", *producer, committed=True)
    assert state.transactions.by_id["id"].state is TransactionState.COMPLETE_COMMIT


def test_a_producer_whose_epochs_are_used_up_gets_a_new_id() -> None:
    state = BrokerState(MemoryStorage(), IDENTITY)
    first = state.transactions.init_producer("id", timeout_ms=1_000, producer_id=-1, epoch=-1)
    epochs = [first.epoch]
    while epochs[-1] < 32_765:
        record = state.transactions.init_producer("id", timeout_ms=1_000, producer_id=-1, epoch=-1)
        assert record.producer_id == first.producer_id
        epochs.append(record.epoch)
    fresh = state.transactions.init_producer("id", timeout_ms=1_000, producer_id=-1, epoch=-1)
    assert (fresh.producer_id > first.producer_id, fresh.epoch) == (True, 0)


def test_the_journal_is_rewritten_when_most_of_it_is_superseded() -> None:
    storage = MemoryStorage()
    state = BrokerState(storage, IDENTITY)
    note = "x" * 100_000
    for offset in range(200):
        state.groups.commit("g", {("t", 0): CommittedOffset(offset, -1, note)})
    assert storage.open("journal").size < 10_000_000
    assert BrokerState(storage, IDENTITY).groups.offsets["g"]["t", 0].offset == 199


def test_a_deleted_topic_leaves_no_files(tmp_path: Path) -> None:
    state = BrokerState(DirectoryStorage(tmp_path), IDENTITY)
    state.topics.create("t", 3, {})
    state.topics.delete("t")
    state.close()
    assert list((tmp_path / "logs").iterdir()) == []


def test_records_of_the_journal_are_read_by_their_names() -> None:
    """A later version may add a field with a default: what was written before is still read."""
    written = msgspec.msgpack.encode(CommittedOffset(5))
    assert msgspec.msgpack.decode(written, type=CommittedOffset) == CommittedOffset(5, -1, "")


def test_a_file_that_was_closed_takes_no_more_bytes_and_spares_whoever_has_its_descriptor_now(tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path)
    closed = storage.open("old")
    closed.close()
    heir = storage.open("new")
    with pytest.raises(OSError, match="Bad file descriptor"):
        closed.append(b"stray")
    assert heir.read(0, 10) == b""
