"""Records: what is produced is what is fetched, whoever the client is."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError

from streams.broker import record_batch as batches
from tests.brokers.clients import READERS, WRITERS, Message, knows
from tests.brokers.conftest import Broker
from tests.brokers.raw_client import RawClient, records_of, values_of, write_batch
from tests.brokers.topics import TopicMaker

MESSAGES = [
    Message(b"key", b"value" * 50, (("trace", b"\x00\xff"), ("empty", b""))),
    Message(None, b"no key" * 50),
    Message(b"no value", None),
    Message(b"", b""),
    *[Message(b"k%d" % number, b"v%d" % number) for number in range(50)],
]
KEEPS_OLD_RECORDS = {"retention.ms": "-1"}
CODECS = {None: 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("writer", WRITERS)
def test_every_client_reads_what_every_client_wrote(
    broker: Broker, raw: RawClient, topic: str, writer: str, codec: str | None
) -> None:
    if not knows(writer, codec):
        pytest.skip(f"{writer} has no library for {codec} here")
    WRITERS[writer](broker.bootstrap, topic, MESSAGES, codec)
    for name, reader in READERS.items():
        if knows(name, codec):
            assert reader(broker.bootstrap, topic, len(MESSAGES)) == MESSAGES
    stored = batches.parse_header(raw.fetch(topic, 0).records)
    assert stored.attributes & 0x07 == CODECS[codec], "the broker passes batches through as they are"


def test_send_batch_keeps_the_batch_together(broker: Broker, raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs=KEEPS_OLD_RECORDS)

    async def story() -> None:
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            batch = producer.create_batch()
            for number in range(100):
                batch.append(key=None, value=b"%d" % number, timestamp=1_000 + number)
            metadata = await (await producer.send_batch(batch, topic, partition=0))
            assert metadata.offset == 0

    asyncio.run(story())
    header = batches.parse_header(raw.fetch(topic, 0).records)
    assert (header.record_count, header.first_timestamp_ms, header.max_timestamp_ms) == (100, 1_000, 1_099)


def test_acks_0_is_not_answered_but_written(broker: Broker, raw: RawClient, topic: str) -> None:
    async def story() -> None:
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks=0) as producer:
            await producer.send_and_wait(topic, b"unheard")

    asyncio.run(story())
    assert values_of(raw.fetch(topic, 0, max_wait_ms=5_000, min_bytes=1)) == [b"unheard"]


def test_an_oversize_batch_is_refused_and_the_topic_lives_on(broker: Broker, make_topic: TopicMaker) -> None:
    topic = make_topic(configs={"max.message.bytes": "1000"})

    async def story() -> None:
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            with pytest.raises(MessageSizeTooLargeError):
                await producer.send_and_wait(topic, b"x" * 1001)
            assert (await producer.send_and_wait(topic, b"x" * 500)).offset == 0

    asyncio.run(story())


def test_a_topic_is_not_created_by_being_asked_for(raw: RawClient) -> None:
    response = raw.ask("Metadata", 4, topics=[{"name": "never-made"}], allow_auto_topic_creation=True)
    assert response.topics[0].error_code == 3
    assert raw.produce("never-made", b"x").error_code == 3
    assert raw.fetch("never-made", 0).error_code == 3


def test_a_partition_that_is_not_there_is_unknown(raw: RawClient, topic: str) -> None:
    assert raw.produce(topic, b"x", partition=1).error_code == 3
    assert raw.fetch(topic, 0, partition=7).error_code == 3


def test_a_fetch_waits_for_a_record_and_no_longer(broker: Broker, raw: RawClient, topic: str) -> None:
    started = time.monotonic()
    with RawClient(broker.bootstrap) as waiting, ThreadPoolExecutor() as thread:
        fetched = thread.submit(waiting.fetch, topic, 0, max_wait_ms=600_000, min_bytes=1)
        raw.produce(topic, b"awaited")
        assert values_of(fetched.result()) == [b"awaited"]
    assert time.monotonic() - started < 300


def test_a_fetch_waits_its_time_when_nothing_comes(raw: RawClient, topic: str) -> None:
    started = time.monotonic()
    assert values_of(raw.fetch(topic, 0, max_wait_ms=200, min_bytes=1)) == []
    assert 0.19 < time.monotonic() - started < 60


def test_a_consumer_is_woken_by_a_record_in_any_of_its_partitions(broker: Broker, make_topic: TopicMaker) -> None:
    topic = make_topic(partitions=4)

    async def story() -> None:
        partitions = [TopicPartition(topic, number) for number in range(4)]
        async with (
            AIOKafkaConsumer(
                bootstrap_servers=broker.bootstrap,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=600_000,
                request_timeout_ms=700_000,
            ) as consumer,
            AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer,
        ):
            consumer.assign(partitions)
            waiting = asyncio.ensure_future(consumer.getone())
            started = time.monotonic()
            await producer.send_and_wait(topic, b"here", partition=3)
            assert (await waiting).partition == 3
            assert time.monotonic() - started < 300

    asyncio.run(story())


def test_fetch_follows_size_limits_by_whole_batches(raw: RawClient, topic: str) -> None:
    for number in range(5):
        raw.produce(topic, b"%d" % number * 100)
    size = len(write_batch(b"0" * 100))
    assert len(values_of(raw.fetch(topic, 0))) == 5
    assert len(values_of(raw.fetch(topic, 0, partition_max_bytes=3 * size))) == 3
    assert len(values_of(raw.fetch(topic, 1, max_bytes=2 * size))) == 2
    assert len(values_of(raw.fetch(topic, 1, partition_max_bytes=1))) == 1, "never starve: at least one batch"


def test_a_fetch_in_the_middle_of_a_batch_returns_the_batch(raw: RawClient, topic: str) -> None:
    raw.produce(topic, b"a", b"b", b"c")
    assert [record.offset for record in records_of(raw.fetch(topic, 1))] == [0, 1, 2]


def test_an_offset_out_of_range_is_an_error(raw: RawClient, topic: str) -> None:
    raw.produce(topic, b"a")
    assert raw.fetch(topic, 1).error_code == 0
    assert raw.fetch(topic, 2).error_code == 1
    assert raw.fetch(topic, -1).error_code == 1


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_offsets_are_found_by_time(broker: Broker, raw: RawClient, make_topic: TopicMaker, codec: str) -> None:
    topic = make_topic(configs=KEEPS_OLD_RECORDS)

    async def story() -> None:
        compression = None if codec == "none" else codec
        async with AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap, compression_type=compression, linger_ms=20
        ) as producer:
            sends = [await producer.send(topic, b"x" * 100, timestamp_ms=10_000 + 10 * number) for number in range(50)]
            await asyncio.gather(*sends)
        async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap) as consumer:
            partition = TopicPartition(topic, 0)
            consumer.assign([partition])
            for wanted_ms, offset in ((0, 0), (10_000, 0), (10_001, 1), (10_200, 20), (10_490, 49)):
                found = (await consumer.offsets_for_times({partition: wanted_ms}))[partition]
                assert (found.offset, found.timestamp) == (offset, 10_000 + 10 * offset)
            assert (await consumer.offsets_for_times({partition: 10_491}))[partition] is None
            assert await consumer.beginning_offsets([partition]) == {partition: 0}
            assert await consumer.end_offsets([partition]) == {partition: 50}

    asyncio.run(story())
    assert raw.list_offset(topic, -2) == 0
    assert raw.list_offset(topic, -1) == 50


def test_a_topic_can_stamp_the_time_of_appending(raw: RawClient, make_topic: TopicMaker) -> None:
    topic = make_topic(configs={"message.timestamp.type": "LogAppendTime"})
    before_ms = time.time_ns() // 1_000_000
    answer = raw.produce_bytes(topic, write_batch(b"x", timestamp_ms=5))
    (record,) = records_of(raw.fetch(topic, 0))
    assert before_ms <= record.timestamp_ms == answer.log_append_time_ms <= time.time_ns() // 1_000_000
    data = raw.fetch(topic, 0).records
    assert batches.has_valid_checksum(data, batches.parse_header(data))


def test_a_damaged_batch_is_refused(raw: RawClient, topic: str) -> None:
    damaged = bytearray(write_batch(b"payload"))
    damaged[-3] ^= 1
    assert raw.produce_bytes(topic, bytes(damaged)).error_code == 2
    assert raw.list_offset(topic, -1) == 0


class TestIdempotence:
    def test_a_repeated_batch_is_answered_with_its_old_offset(self, raw: RawClient, topic: str) -> None:
        producer = (raw.init_producer(None).producer_id, 0)
        assert raw.produce(topic, b"a", b"b", producer=producer, sequence=0).base_offset == 0
        assert raw.produce(topic, b"c", producer=producer, sequence=2).base_offset == 2
        again = raw.produce(topic, b"a", b"b", producer=producer, sequence=0)
        assert (again.error_code, again.base_offset) == (0, 0)
        assert values_of(raw.fetch(topic, 0)) == [b"a", b"b", b"c"]

    def test_a_gap_in_the_sequence_is_refused(self, raw: RawClient, topic: str) -> None:
        producer = (raw.init_producer(None).producer_id, 0)
        raw.produce(topic, b"a", producer=producer, sequence=0)
        assert raw.produce(topic, b"c", producer=producer, sequence=2).error_code == 45

    def test_two_producers_do_not_share_sequences(self, raw: RawClient, topic: str) -> None:
        first, second = ((raw.init_producer(None).producer_id, 0) for _ in range(2))
        assert first != second
        assert raw.produce(topic, b"a", producer=first, sequence=0).error_code == 0
        assert raw.produce(topic, b"b", producer=second, sequence=0).base_offset == 1

    def test_sequences_are_those_of_a_partition(self, raw: RawClient, make_topic: TopicMaker) -> None:
        topic = make_topic(partitions=2)
        producer = (raw.init_producer(None).producer_id, 0)
        for partition in range(2):
            assert raw.produce(topic, b"a", producer=producer, sequence=0, partition=partition).error_code == 0


def test_a_record_from_the_future_is_refused(raw: RawClient, topic: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    assert raw.produce_bytes(topic, write_batch(b"x", timestamp_ms=now_ms + 1_800_000)).error_code == 0
    assert raw.produce_bytes(topic, write_batch(b"x", timestamp_ms=now_ms + 7_200_000)).error_code == 32
