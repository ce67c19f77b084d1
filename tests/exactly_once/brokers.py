"""The brokers that the driver is tested on, and what tests do with one."""

import asyncio
import importlib.util
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from kafka import TopicPartition as KafkaPythonPartition
from kafka.admin import KafkaAdminClient, NewTopic

from streams.exactly_once.driver import ExactlyOnce, build
from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.observer import Observer
from streams.exactly_once.records.produced import Produced
from streams.exactly_once.task import TaskSpec
from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness
from streams.harness.jars import JarsKafka

BACKENDS: dict[str, Callable[[], KafkaHarness]] = {"jars": JarsKafka}
if importlib.util.find_spec("streams.broker.embedded"):
    BACKENDS["embedded"] = EmbeddedKafka

DEADLINE_S = 120.0
_numbers = itertools.count(1)


def fresh_prefix() -> str:
    """A prefix for topics and group that no other test of this run uses."""
    return f"t{next(_numbers)}"


def create_topics(bootstrap: str, partitions: Mapping[str, int]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics(
            [NewTopic(name, num_partitions=count, replication_factor=1) for name, count in partitions.items()]
        )
    finally:
        admin.close()


def delete_before(bootstrap: str, topic: str, partition: int, offset: int) -> None:
    """What retention does, at once."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.delete_records({KafkaPythonPartition(topic, partition): offset})
    finally:
        admin.close()


def create_sums_topics(bootstrap: str, prefix: str, partitions: int = 4) -> None:
    names = ("left", "right", "state", "outputs", "bonus", "echo", "ticks")
    create_topics(bootstrap, {f"{prefix}-{name}": partitions for name in names})


def settings_for(bootstrap: str, group: str, **changes: object) -> DriverSettings:
    """Impatient settings: tests wait for evictions."""
    chosen: dict[str, object] = {
        "bootstrap": bootstrap,
        "group": group,
        "session_timeout_ms": 3000,
        "heartbeat_interval_ms": 300,
        "commit_interval_ms": 50,
        "transaction_timeout_ms": 10_000,
        "request_timeout_ms": 10_000,
        "stop_timeout_ms": 30_000,
    }
    return DriverSettings(**{**chosen, **changes})  # type: ignore[arg-type]


async def write(bootstrap: str, produced: Iterable[Produced]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5) as producer:
        for record in produced:
            await producer.send(
                record.topic,
                record.value,
                record.key,
                record.partition,
                record.timestamp_ms,
                record.headers or None,
            )
        await producer.flush()


async def read_until(
    bootstrap: str,
    topic: str,
    enough: Callable[[list[ConsumerRecord]], bool],
    *,
    deadline_s: float = DEADLINE_S,
) -> list[ConsumerRecord]:
    """Read what is committed in a topic, from its beginning until there is enough."""
    records: list[ConsumerRecord] = []
    async with asyncio.timeout(deadline_s), reader(bootstrap, topic) as consumer:
        while not enough(records):
            for fetched in (await consumer.getmany(timeout_ms=100)).values():
                records += fetched
    return records


async def read_all(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Everything that is committed by now."""
    records: list[ConsumerRecord] = []
    async with asyncio.timeout(DEADLINE_S), reader(bootstrap, topic) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for fetched in (await consumer.getmany(timeout_ms=100)).values():
                records += fetched
    return records


@asynccontextmanager
async def reader(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        await consumer._client._wait_on_metadata(topic)  # noqa: SLF001  no public way without subscribing
        tps = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def working(settings: DriverSettings, *specs: TaskSpec, observer: Observer | None = None) -> AsyncIterator[None]:
    """A worker for as long as the block lasts; when it fails the block ends, and its error comes out."""
    stop = asyncio.Event()
    worker: ExactlyOnce = build(settings, specs, observer=observer)
    block = asyncio.current_task()
    assert block is not None
    task = asyncio.create_task(worker.run(stop))
    task.add_done_callback(lambda _: None if stop.is_set() else block.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if not task.done():
            raise
        block.uncancel()
        task.result()
        raise AssertionError("the worker stopped early") from None
    finally:
        stop.set()
        await asyncio.wait([task], timeout=DEADLINE_S)
        assert task.done(), "the worker does not stop"
    task.result()
