"""Every reader reads on after a record whose headers no client would have written."""

import asyncio
import time
from collections.abc import Iterator
from random import Random

import pytest
from aiokafka import TopicPartition

from streams.benchmarks.envelopes import SPOILERS
from streams.benchmarks.raw_filling import fill_raw
from streams.broker.embedded import EmbeddedBroker
from streams.exactly_once.consumer.column_fetcher import consumer_of_columns
from streams.exactly_once.records.compression import Compression
from streams.exactly_once.records.produced import Produced
from streams.reading.consumers import Consumer
from streams.reading.header_names import ESCAPED
from streams.reading.waiting_consumers import WaitingConsumer
from tests.exactly_once.brokers import create_topics

TOPIC, COUNT = "odd", 300
PLACE = TopicPartition(TOPIC, 0)
Told = list[tuple[int, bytes | None, bytes | None, list[tuple[bytes, bytes | None]]]]


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        create_topics(broker.bootstrap, {TOPIC: 1})
        yield broker.bootstrap


def odd_records() -> list[Produced]:
    random, now_ms = Random(7), time.time_ns() // 1_000_000  # what is old the broker deletes
    plain = [Produced(TOPIC, b"k%d" % number, b"v%d" % number, timestamp_ms=now_ms) for number in range(COUNT)]
    return [random.choice(SPOILERS)(record, random)._replace(partition=0) for record in plain]


def told(records: list[object]) -> Told:
    found: Told = []
    for record in records:
        headers = [(name.encode(errors=ESCAPED), value) for name, value in record.headers]  # type: ignore[attr-defined]
        found.append((record.timestamp, record.key, record.value, headers))  # type: ignore[attr-defined]
    return found


async def read_awaiting(bootstrap: str, kind: type) -> Told:
    consumer = kind(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    found: list[object] = []
    try:
        consumer.assign([PLACE])
        while len(found) < COUNT:
            fetched = await consumer._fetcher.fetched_records([PLACE], timeout=1.0)  # noqa: SLF001
            found += [record for records in fetched.values() for record in records]
    finally:
        await consumer.stop()
    return told(found)


def read_waiting(bootstrap: str) -> Told:
    consumer = WaitingConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    found: list[object] = []
    try:
        consumer.assign([PLACE])
        while len(found) < COUNT:
            found += [record for records in consumer.poll(timeout_ms=1_000).values() for record in records]
    finally:
        consumer.close()
    return told(found)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_all_readers_tell_what_was_sent(bootstrap: str, compression: Compression | None) -> None:
    sent = odd_records()
    asyncio.run(fill_raw(bootstrap, sent, compression))
    names = [[(name.encode(errors=ESCAPED), value) for name, value in record.headers] for record in sent]
    stamped = [(record.timestamp_ms, record.key, record.value) for record in sent]
    expected = [(*some, headers) for some, headers in zip(stamped, names, strict=True)]
    assert asyncio.run(read_awaiting(bootstrap, Consumer)) == expected
    assert asyncio.run(read_awaiting(bootstrap, consumer_of_columns(100))) == expected
    assert [it[:3] for it in read_waiting(bootstrap)] == stamped, "kafka-python replaces what is no text"
