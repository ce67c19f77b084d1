"""Compaction and retention: what is forgotten, and what never is."""

import time
from collections.abc import Iterator, Mapping

import pytest

from streams.broker.record_batch import parse_header
from tests.brokers.conftest import Broker
from tests.brokers.raw_client import RawClient, records_of, write_batch
from tests.brokers.test_transactions import committed_values, open_transaction
from tests.brokers.topics import TopicMaker
from tests.brokers.waiting import eventually

COMPACTED = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.0",
    "segment.ms": "1000",
    "delete.retention.ms": "0",
    "max.compaction.lag.ms": "1000",
}
LONG_MS = 30 * 86_400_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Writer:
    """Writes with times of its own: a jump of ten seconds closes the segment, as `segment.ms` says."""

    def __init__(self, raw: RawClient, topic: str, time_ms: int | None = None) -> None:
        self.raw, self.topic = raw, topic
        # long ago by default: its time runs fast, and a broker takes no record from the future
        self.time_ms = now_ms() - LONG_MS if time_ms is None else time_ms

    def put(self, **values: str | None) -> None:
        data = write_batch(
            *[None if value is None else value.encode() for value in values.values()],
            keys=tuple(key.encode() for key in values),
            timestamp_ms=self.time_ms,
        )
        assert self.raw.produce_bytes(self.topic, data).error_code == 0

    def close_segment(self) -> None:
        self.time_ms += 10_000
        self.put(closing="segment")


def snapshot(raw: RawClient, topic: str) -> dict[str, list[tuple[int, str | None]]]:
    """Every key's offsets and values, read from the beginning.

    What was read and where to go on come from the same answer: between two the cleaner may have put segments together.
    """
    found: dict[str, list[tuple[int, str | None]]] = {}
    offset, end = raw.list_offset(topic, -2), raw.list_offset(topic, -1)
    while offset < end:
        fetched = raw.fetch(topic, offset)
        for record in records_of(fetched):
            value = None if record.value is None else record.value.decode()
            found.setdefault((record.key or b"").decode(), []).append((record.offset, value))
        if not fetched.records:
            break
        offset = next_offset(fetched.records)
    found.pop("closing", None)
    return found


def values(raw: RawClient, topic: str, key: str) -> list[str | None]:
    """A key's values as a snapshot has them."""
    return [value for _, value in snapshot(raw, topic).get(key, [])]


def next_offset(data: bytes) -> int:
    position = 0
    while position < len(data):
        header = parse_header(data, position)
        position += header.size
    return header.last_offset + 1


def test_compaction_keeps_the_latest_value_of_every_key_at_its_offset(raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs=COMPACTED)
    writer = Writer(raw, topic)
    writer.put(a="1", b="1")
    writer.put(a="2")
    writer.put(b="2", c="1", a="3")
    end = raw.list_offset(topic, -1)
    writer.close_segment()
    expected = {"a": [(5, "3")], "b": [(3, "2")], "c": [(4, "1")]}
    eventually(lambda: snapshot(raw, topic) == expected)
    assert raw.list_offset(topic, -1) > end
    writer.put(a="4")
    writer.close_segment()
    eventually(lambda: values(raw, topic, "a") == ["4"])


def test_a_tombstone_removes_its_key_and_then_itself(raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs=COMPACTED)
    writer = Writer(raw, topic)
    writer.put(gone="1", kept="1")
    writer.put(gone=None)

    def is_gone() -> bool:
        writer.close_segment()  # a tombstone goes with a compaction after the one that met it first
        return snapshot(raw, topic) == {"kept": [(1, "1")]}

    eventually(is_gone)


def test_a_tombstone_stays_for_those_who_read_slowly(raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs={**COMPACTED, "delete.retention.ms": "86400000"})
    writer = Writer(raw, topic)
    writer.put(gone="1")
    writer.put(gone=None)
    writer.close_segment()
    eventually(lambda: snapshot(raw, topic) == {"gone": [(1, None)]})
    writer.put(other="1")
    writer.close_segment()
    writer.put(other="2")
    writer.close_segment()
    eventually(lambda: values(raw, topic, "other") == ["2"])
    assert snapshot(raw, topic)["gone"] == [(1, None)]


def test_compaction_drops_what_was_aborted_and_keeps_what_was_committed(
    broker: Broker, raw: RawClient, make_topic: TopicMaker, names: Iterator[str]
) -> None:
    topic = make_topic(configs=COMPACTED)
    writer = Writer(raw, topic)
    writer.put(k="before")
    committed, aborted = next(names), next(names)
    producer = open_transaction(raw, committed, topic, b"committed")
    assert raw.end(committed, producer, committed=True) == 0
    producer = open_transaction(raw, aborted, topic, b"aborted")
    assert raw.end(aborted, producer, committed=False) == 0
    writer.time_ms = now_ms()
    writer.close_segment()
    eventually(lambda: values(raw, topic, "k") == ["committed"])
    assert committed_values(broker.bootstrap, topic, 2)[0] == b"committed"


def test_an_open_transaction_is_not_compacted(
    broker: Broker, raw: RawClient, make_topic: TopicMaker, names: Iterator[str]
) -> None:
    topic, other = make_topic(configs=COMPACTED), make_topic(configs=COMPACTED)
    name = next(names)
    producer = open_transaction(raw, name, topic, b"first", b"second")
    for each in (topic, other):
        writer = Writer(raw, each, now_ms())
        writer.put(k="1")
        writer.put(k="2")
        writer.close_segment()
    eventually(lambda: len(values(raw, other, "k")) == 1)  # the cleaner has been round
    assert len(snapshot(raw, topic)["k"]) == 4
    assert raw.end(name, producer, committed=False) == 0
    writer = Writer(raw, topic, now_ms() + 60_000)
    writer.close_segment()
    eventually(lambda: values(raw, topic, "k") == ["2"])


def test_a_producer_goes_on_after_its_records_are_compacted_away(raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs=COMPACTED)
    producer = (raw.init_producer(None).producer_id, 0)
    assert raw.produce(topic, b"mine", producer=producer, sequence=0).error_code == 0
    writer = Writer(raw, topic, now_ms())
    writer.put(k="newer")
    writer.close_segment()
    eventually(lambda: values(raw, topic, "k") == ["newer"])
    assert raw.produce(topic, b"gap", producer=producer, sequence=5).error_code == 45
    assert raw.produce(topic, b"next", producer=producer, sequence=1).error_code == 0


def test_a_compacted_topic_takes_no_record_without_key(raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs=COMPACTED)
    assert raw.produce_bytes(topic, write_batch(b"x", keys=(None,))).error_code == 87


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
def test_what_is_older_than_the_retention_is_deleted(raw: RawClient, make_topic: TopicMaker, policy: str) -> None:
    topic = make_topic(configs={"cleanup.policy": policy, "retention.ms": "3600000", "segment.ms": "1000"})
    writer = Writer(raw, topic)
    writer.time_ms = now_ms() - 7_200_000
    writer.put(a="old")
    writer.time_ms = now_ms()
    writer.put(b="young")
    eventually(lambda: raw.list_offset(topic, -2) == 1)
    assert raw.fetch(topic, 0).error_code == 1
    assert snapshot(raw, topic) == {"b": [(1, "young")]}


def test_an_expired_topic_is_empty_but_its_offsets_go_on(raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs={"retention.ms": "3600000"})
    writer = Writer(raw, topic)
    writer.time_ms = now_ms() - 7_200_000
    writer.put(a="old")
    writer.put(b="old")
    eventually(lambda: raw.list_offset(topic, -2) == 2)
    assert raw.produce(topic, b"new").base_offset == 2


def test_what_is_beyond_the_retention_in_bytes_is_deleted(raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs=bounded(bytes_=3_000))
    writer = Writer(raw, topic)
    for number in range(20):
        writer.put(k=f"{number}" * 500)
        writer.time_ms += 10_000
    eventually(lambda: raw.list_offset(topic, -2) >= 12)
    assert raw.list_offset(topic, -1) == 20
    assert len(snapshot(raw, topic)["k"]) >= 3


def bounded(*, bytes_: int) -> Mapping[str, str]:
    return {"retention.bytes": str(bytes_), "segment.ms": "1000", "retention.ms": "-1"}
