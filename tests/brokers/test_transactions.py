"""Transactions: all of it or nothing, once, and only by the producer that has the epoch."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import TopicPartition as ConfluentTopicPartition
from kafka import KafkaProducer

from tests.brokers.clients import read_with_confluent, read_with_kafka_python
from tests.brokers.conftest import Broker
from tests.brokers.raw_client import RawClient, values_of
from tests.brokers.topics import TopicMaker
from tests.brokers.waiting import eventually, eventually_async


def committed_values(bootstrap: str, topic: str, count: int, partition: int = 0) -> list[bytes | None]:
    """What a read_committed consumer of aiokafka is given, and that it is given no more than `count`."""

    async def story() -> list[bytes | None]:
        async with AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
        ) as consumer:
            where = TopicPartition(topic, partition)
            consumer.assign([where])
            end = (await consumer.end_offsets([where]))[where]
            values: list[bytes | None] = []
            while await consumer.position(where) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    values += [record.value for record in records]
            return values

    values = asyncio.run(story())
    assert len(values) == count, values
    return values


def open_transaction(raw: RawClient, name: str, topic: str, *values: bytes) -> tuple[int, int]:
    """Begin a transaction with one batch; returns the producer's id and epoch."""
    answer = raw.init_producer(name)
    producer = (answer.producer_id, answer.producer_epoch)
    assert raw.add_partition(name, producer, topic) == 0
    assert raw.produce(topic, *values, producer=producer, sequence=0, transactional_id=name).error_code == 0
    return producer


class TestVisibility:
    def test_aiokafka_commits_and_aborts(self, broker: Broker, raw: RawClient, topic: str, name: str) -> None:
        async def story() -> None:
            async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name) as producer:
                for round_ in range(3):
                    async with producer.transaction():
                        await producer.send_and_wait(topic, b"kept %d" % round_)
                    await producer.begin_transaction()
                    await producer.send_and_wait(topic, b"dropped %d" % round_)
                    await producer.abort_transaction()

        asyncio.run(story())
        assert committed_values(broker.bootstrap, topic, 3) == [b"kept 0", b"kept 1", b"kept 2"]
        assert len(values_of(raw.fetch(topic, 0))) == 6, "read_uncommitted sees what was aborted"
        aborted = raw.fetch(topic, 0, committed=True).aborted_transactions
        assert len(aborted) == 3
        assert not raw.fetch(topic, 0).aborted_transactions

    def test_confluent_commits_and_aborts(self, broker: Broker, topic: str, name: str) -> None:
        producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": name})
        producer.init_transactions(30)
        for value, is_kept in ((b"dropped", False), (b"kept", True)):
            producer.begin_transaction()
            producer.produce(topic, value, partition=0)
            producer.flush(30)
            producer.commit_transaction(30) if is_kept else producer.abort_transaction(30)
        assert committed_values(broker.bootstrap, topic, 1) == [b"kept"]
        assert [each.value for each in read_with_confluent(broker.bootstrap, topic, 1)] == [b"kept"]

    def test_kafka_python_commits_and_aborts(self, broker: Broker, topic: str, name: str) -> None:
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name)
        producer.init_transactions()
        for value, is_kept in ((b"dropped", False), (b"kept", True)):
            producer.begin_transaction()
            producer.send(topic, value, partition=0).get(30)
            producer.commit_transaction() if is_kept else producer.abort_transaction()
        producer.close()
        assert committed_values(broker.bootstrap, topic, 1) == [b"kept"]
        assert len(read_with_kafka_python(broker.bootstrap, topic, 2)) == 2, "read_uncommitted"

    def test_an_open_transaction_holds_back_what_comes_after_it(self, raw: RawClient, topic: str, name: str) -> None:
        raw.produce(topic, b"before")
        producer = open_transaction(raw, name, topic, b"inside")
        raw.produce(topic, b"after")
        assert values_of(raw.fetch(topic, 0)) == [b"before", b"inside", b"after"]
        partition = raw.fetch(topic, 0, committed=True)
        assert values_of(partition) == [b"before"]
        assert (partition.last_stable_offset, partition.high_watermark) == (1, 3)
        assert raw.list_offset(topic, -1) == 3
        assert raw.list_offset(topic, -1, committed=True) == 1
        assert raw.end(name, producer, committed=True) == 0
        eventually(lambda: values_of(raw.fetch(topic, 0, committed=True)) == [b"before", b"inside", b"after"])

    def test_a_committed_reader_that_waits_is_woken_by_the_commit(
        self, broker: Broker, raw: RawClient, topic: str, name: str
    ) -> None:
        producer = open_transaction(raw, name, topic, b"inside")

        async def story() -> None:
            async with AIOKafkaConsumer(
                bootstrap_servers=broker.bootstrap,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                fetch_max_wait_ms=30_000,
            ) as consumer:
                consumer.assign([TopicPartition(topic, 0)])
                waiting = asyncio.ensure_future(consumer.getone())
                await asyncio.to_thread(raw.end, name, producer, committed=True)
                assert (await asyncio.wait_for(waiting, 120)).value == b"inside"

        asyncio.run(story())

    def test_one_transaction_over_many_partitions(self, broker: Broker, make_topic: TopicMaker, name: str) -> None:
        topics = [make_topic(partitions=3), make_topic(partitions=2)]

        async def story() -> None:
            async with (
                AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name) as producer,
                producer.transaction(),
            ):
                for topic, count in zip(topics, (3, 2), strict=True):
                    for partition in range(count):
                        await producer.send(topic, b"x", partition=partition)

        asyncio.run(story())
        for topic, count in zip(topics, (3, 2), strict=True):
            for partition in range(count):
                assert committed_values(broker.bootstrap, topic, 1, partition) == [b"x"]


class TestFencing:
    def test_a_second_producer_ends_the_first_ones_transaction_and_fences_it(
        self, broker: Broker, topic: str, name: str
    ) -> None:
        async def story() -> None:
            zombie = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name)
            await zombie.start()
            await zombie.begin_transaction()
            await zombie.send_and_wait(topic, b"by the zombie")
            async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name) as successor:
                with pytest.raises(ProducerFenced):
                    await zombie.commit_transaction()
                async with successor.transaction():
                    await successor.send(topic, b"by the successor")
            await zombie.stop()

        asyncio.run(story())
        assert committed_values(broker.bootstrap, topic, 1) == [b"by the successor"]

    def test_confluent_learns_that_it_is_fenced(self, broker: Broker, topic: str, name: str) -> None:
        options = {"bootstrap.servers": broker.bootstrap, "transactional.id": name}
        zombie, successor = Producer(options), Producer(options)
        zombie.init_transactions(30)
        zombie.begin_transaction()
        zombie.produce(topic, b"by the zombie")
        zombie.flush(30)
        successor.init_transactions(30)
        with pytest.raises(KafkaException) as caught:
            zombie.commit_transaction(30)
        assert caught.value.args[0].fatal()

    def test_the_error_is_one_that_the_client_knows(self, raw: RawClient, topic: str, name: str) -> None:
        zombie = open_transaction(raw, name, topic, b"by the zombie")
        raw.init_producer(name)
        assert raw.add_partition(name, zombie, topic, version=0) == 47
        assert raw.add_partition(name, zombie, topic, version=3) == 90
        assert raw.end(name, zombie, committed=True, version=0) == 47
        assert raw.end(name, zombie, committed=True, version=3) == 90
        late = raw.produce(topic, b"late", producer=zombie, sequence=1, transactional_id=name)
        assert late.error_code == 47

    def test_a_producer_may_ask_for_a_new_epoch_of_its_own(self, raw: RawClient, name: str) -> None:
        first = raw.init_producer(name)
        again = raw.init_producer(name, 4, producer_id=first.producer_id, producer_epoch=first.producer_epoch)
        assert again.error_code == 0
        assert (again.producer_id, again.producer_epoch) == (first.producer_id, first.producer_epoch + 1)
        raw.init_producer(name)
        refused = raw.init_producer(name, 4, producer_id=first.producer_id, producer_epoch=first.producer_epoch)
        assert refused.error_code == 90

    @pytest.mark.parametrize("named", ["none", "own", "previous", "outdated"])
    def test_who_asks_for_an_epoch_aborts_an_ongoing_transaction_whatever_epoch_is_named(
        self, broker: Broker, raw: RawClient, topic: str, name: str, named: str
    ) -> None:
        producer_id = raw.init_producer(name).producer_id
        for epoch in (0, 1):
            raw.init_producer(name, 4, producer_id=producer_id, producer_epoch=epoch)
        raw.add_partition(name, (producer_id, 2), topic)
        raw.produce(topic, b"aborted", producer=(producer_id, 2), sequence=0, transactional_id=name)
        epoch = {"none": -1, "own": 2, "previous": 1, "outdated": 0}[named]
        asked = {"producer_id": producer_id if epoch >= 0 else -1, "producer_epoch": epoch}
        refused = raw.ask("InitProducerId", 4, transactional_id=name, transaction_timeout_ms=60_000, **asked)
        assert refused.error_code == 51
        eventually(lambda: raw.list_offset(topic, -1, committed=True) == 2)
        assert raw.end(name, (producer_id, 2), committed=True, version=3) == 90
        again = raw.init_producer(name, 4, **asked)
        given = {"none": (0, 4), "own": (0, 3), "previous": (90, -1), "outdated": (90, -1)}[named]
        assert (again.error_code, again.producer_epoch) == given
        assert committed_values(broker.bootstrap, topic, 0) == []

    def test_a_transaction_is_aborted_when_its_time_is_up(
        self, broker: Broker, raw: RawClient, topic: str, name: str
    ) -> None:
        answer = raw.init_producer(name, transaction_timeout_ms=200)
        producer = (answer.producer_id, answer.producer_epoch)
        raw.add_partition(name, producer, topic)
        raw.produce(topic, b"too slow", producer=producer, sequence=0, transactional_id=name)
        raw.produce(topic, b"after")
        eventually(lambda: raw.list_offset(topic, -1, committed=True) == 3)
        assert committed_values(broker.bootstrap, topic, 1) == [b"after"]
        assert raw.end(name, producer, committed=True) in (47, 90)

    def test_a_timeout_beyond_the_brokers_maximum_is_refused(self, raw: RawClient, name: str) -> None:
        assert raw.init_producer(name, transaction_timeout_ms=100_000_000).error_code == 50


class TestEnding:
    def test_a_repeated_end_gets_the_first_answer(self, raw: RawClient, topic: str, name: str) -> None:
        producer = open_transaction(raw, name, topic, b"x")
        for _ in range(3):
            assert raw.end(name, producer, committed=True) == 0
        eventually(lambda: raw.list_offset(topic, -1, committed=True) == 2)
        assert raw.list_offset(topic, -1) == 2, "one marker"

    @pytest.mark.parametrize("committed", [True, False])
    def test_the_opposite_end_is_refused(self, raw: RawClient, topic: str, name: str, *, committed: bool) -> None:
        producer = open_transaction(raw, name, topic, b"x")
        assert raw.end(name, producer, committed=committed) == 0
        assert raw.end(name, producer, committed=not committed) == 48

    def test_an_end_without_a_transaction_is_refused(self, raw: RawClient, name: str) -> None:
        answer = raw.init_producer(name)
        assert raw.end(name, (answer.producer_id, answer.producer_epoch), committed=True) == 48

    def test_a_batch_outside_of_the_transaction_is_refused(
        self, raw: RawClient, make_topic: TopicMaker, name: str
    ) -> None:
        topic = make_topic(partitions=2)
        producer = open_transaction(raw, name, topic, b"x")
        stray = raw.produce(topic, b"x", producer=producer, sequence=0, transactional_id=name, partition=1)
        assert stray.error_code == 48
        assert raw.end(name, producer, committed=True) == 0
        eventually(lambda: raw.list_offset(topic, -1, committed=True) == 2)
        late = raw.produce(topic, b"x", producer=producer, sequence=1, transactional_id=name)
        assert late.error_code == 48

    def test_partitions_that_are_not_there_are_named(self, raw: RawClient, topic: str, name: str) -> None:
        answer = raw.init_producer(name)
        assert raw.add_partition(name, (answer.producer_id, answer.producer_epoch), topic, 9) == 3


class TestOffsets:
    @pytest.mark.parametrize("committed", [True, False])
    def test_offsets_count_if_the_transaction_does(
        self, broker: Broker, topic: str, names: Iterator[str], *, committed: bool
    ) -> None:
        group, name = next(names), next(names)

        async def story() -> int | None:
            partition = TopicPartition(topic, 0)
            async with (
                AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name) as producer,
                AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group) as consumer,
            ):
                consumer.assign([partition])
                await producer.begin_transaction()
                await producer.send(topic, b"x")
                await producer.send_offsets_to_transaction({partition: 7}, group)
                assert await consumer.committed(partition) is None, "not before the commit"
                await (producer.commit_transaction() if committed else producer.abort_transaction())
                if committed:

                    async def is_visible() -> bool:
                        return await consumer.committed(partition) is not None

                    await eventually_async(is_visible)
                return await consumer.committed(partition)

        assert asyncio.run(story()) == (7 if committed else None)

    def test_who_asks_for_stable_offsets_is_told_to_wait(
        self, raw: RawClient, topic: str, names: Iterator[str]
    ) -> None:
        group, name = next(names), next(names)
        producer = open_transaction(raw, name, topic, b"x")
        fields = {"transactional_id": name, "producer_id": producer[0], "producer_epoch": producer[1]}
        eventually(lambda: raw.ask("AddOffsetsToTxn", 0, group_id=group, **fields).error_code == 0)
        pending = [
            {
                "partition_index": 0,
                "committed_offset": 4,
                "committed_leader_epoch": -1,
                "committed_metadata": "",
            }
        ]
        eventually(
            lambda: (
                raw.ask(
                    "TxnOffsetCommit",
                    2,
                    group_id=group,
                    topics=[{"name": topic, "partitions": pending}],
                    **fields,
                )
                .topics[0]
                .partitions[0]
                .error_code
                == 0
            )
        )

        def fetched() -> tuple[int, int]:
            wanted = [{"name": topic, "partition_indexes": [0]}]
            response = raw.ask("OffsetFetch", 7, group_id=group, topics=wanted, require_stable=True)
            part = response.topics[0].partitions[0]
            return part.error_code, part.committed_offset

        assert fetched() == (88, -1)
        assert raw.end(name, producer, committed=True) == 0
        eventually(lambda: fetched() == (0, 4))

    def test_confluent_consumes_transforms_and_produces(
        self, broker: Broker, make_topic: TopicMaker, names: Iterator[str]
    ) -> None:
        source, target, group = make_topic(), make_topic(), next(names)
        filling = Producer({"bootstrap.servers": broker.bootstrap})
        for number in range(20):
            filling.produce(source, b"%d" % number)
        assert filling.flush(30) == 0
        for is_kept in (
            True,
            False,
            True,
            True,
            True,
        ):  # a new consumer and producer each time, as after a crash
            consumer = Consumer(
                {
                    "bootstrap.servers": broker.bootstrap,
                    "group.id": group,
                    "auto.offset.reset": "earliest",
                    "enable.auto.commit": False,
                    "isolation.level": "read_committed",
                    "session.timeout.ms": 6000,
                }
            )
            producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": group})
            producer.init_transactions(30)
            consumer.subscribe([source])
            records = consumer.consume(5, 30)
            producer.begin_transaction()
            for record in records:
                producer.produce(target, record.value().rjust(3, b"0"))
            offsets = consumer.position([ConfluentTopicPartition(source, 0)])
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30)
            producer.commit_transaction(30) if is_kept else producer.abort_transaction(30)
            consumer.close()
        expected = [b"%03d" % number for number in range(20)]
        assert committed_values(broker.bootstrap, target, 20) == expected
