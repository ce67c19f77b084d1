"""Four clients, one shape: write messages to partition 0, read them back."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import kafka.codec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioTopicPartition
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as ConfluentTopicPartition
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as KafkaTopicPartition

WAIT_S = 120.0


class Message(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def write_with_aiokafka(bootstrap: str, topic: str, messages: Sequence[Message], codec: str | None) -> None:
    async def story() -> None:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, linger_ms=20) as producer:
            sends = [
                await producer.send(topic, each.value, each.key, partition=0, headers=list(each.headers))
                for each in messages
            ]
            await asyncio.gather(*sends)

    asyncio.run(story())


def write_with_confluent(bootstrap: str, topic: str, messages: Sequence[Message], codec: str | None) -> None:
    failures = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": codec or "none",
            "enable.idempotence": True,
            "linger.ms": 20,
        }
    )
    for each in messages:
        producer.produce(
            topic,
            key=each.key,
            value=each.value,
            headers=list(each.headers),
            partition=0,
            on_delivery=lambda error, _: error and failures.append(error),
        )
    assert producer.flush(WAIT_S) == 0
    assert not failures


def write_with_kafka_python(bootstrap: str, topic: str, messages: Sequence[Message], codec: str | None) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, linger_ms=20)
    futures = [producer.send(topic, each.value, each.key, headers=list(each.headers), partition=0) for each in messages]
    for future in futures:
        future.get(WAIT_S)
    producer.close()


def read_with_aiokafka(bootstrap: str, topic: str, count: int) -> list[Message]:
    async def story() -> list[Message]:
        async with AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
        ) as consumer:
            consumer.assign([AioTopicPartition(topic, 0)])
            return [
                Message(each.key, each.value, each.headers)
                for each in [await asyncio.wait_for(consumer.getone(), WAIT_S) for _ in range(count)]
            ]

    return asyncio.run(story())


def read_with_confluent(bootstrap: str, topic: str, count: int) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{topic}-reader", "enable.auto.commit": False})
    consumer.assign([ConfluentTopicPartition(topic, 0, 0)])
    found = []
    while len(found) < count:
        batch = consumer.consume(count - len(found), WAIT_S)
        assert batch, f"only {len(found)} of {count} came"
        for each in batch:
            assert each.error() is None, each.error()
            found.append(Message(each.key(), each.value(), tuple(each.headers() or ())))
    consumer.close()
    return found


def read_with_kafka_python(bootstrap: str, topic: str, count: int) -> list[Message]:
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=int(WAIT_S * 1000)
    )
    consumer.assign([KafkaTopicPartition(topic, 0)])
    found = []
    for each in consumer:
        found.append(Message(each.key, each.value, tuple(each.headers)))
        if len(found) == count:
            break
    consumer.close()
    return found


def knows(client: str, codec: str | None) -> bool:
    """Whether a client has the library of a codec: kafka-python's are not among what we install."""
    return client != "kafka-python" or codec is None or bool(getattr(kafka.codec, f"has_{codec}")())


Writer = Callable[[str, str, Sequence[Message], str | None], None]
Reader = Callable[[str, str, int], list[Message]]
WRITERS: dict[str, Writer] = {
    "aiokafka": write_with_aiokafka,
    "confluent": write_with_confluent,
    "kafka-python": write_with_kafka_python,
}
READERS: dict[str, Reader] = {
    "aiokafka": read_with_aiokafka,
    "confluent": read_with_confluent,
    "kafka-python": read_with_kafka_python,
}
