"""Exactly-once from topic to topic while workers and the broker die and connections break."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.broker.embedded import EmbeddedBroker
from tests.brokers.test_kill import read_committed
from tests.brokers.waiting import reached

pytestmark = pytest.mark.usefixtures("tidied")
PARTITIONS = 3
RECORDS = 30_000
RESTARTS = 6
PATIENCE = {"request_timeout_ms": 1_500, "retry_backoff_ms": 20}
DEADLINE_S = 300.0


@contextlib.asynccontextmanager
async def stopped_at_last(client: AIOKafkaProducer | AIOKafkaConsumer) -> AsyncIterator[None]:
    """Close a client without waiting for a broker that is away: a crash does not wait either."""
    try:
        await client.start()
        yield
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.stop(), 3)


class Storm:
    """Feeds a topic, copies it to another with one transactional worker a partition, and breaks things."""

    def __init__(self, broker: EmbeddedBroker, seed: int) -> None:
        self.broker = broker
        self.random = Random(seed)
        self.acknowledged: list[int] = []
        self.restarts = self.worker_kills = 0
        self.is_calm = asyncio.Event()

    async def feed(self) -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=self.broker.bootstrap, enable_idempotence=True, **PATIENCE
        ) as producer:
            for start in range(0, RECORDS, 100):
                numbers = range(start, start + 100)
                sends = [await producer.send("in", b"%d" % number, partition=number % PARTITIONS) for number in numbers]
                await asyncio.gather(*sends)
                self.acknowledged += numbers

    async def break_things(self) -> None:
        for kind in ("disconnect_before", "disconnect_after"):
            self.broker.faults.inject(api="*", kind=kind, probability=0.004)
        self.broker.faults.inject(api="EndTxn", kind="drop_ack", probability=0.01)
        for restart in range(1, RESTARTS + 1):
            await reached(self.acknowledged, restart * RECORDS // (RESTARTS + 1))
            await asyncio.to_thread(self.broker.restart)
            self.restarts += 1
        await reached(self.acknowledged, RECORDS)
        self.broker.faults.clear()
        self.is_calm.set()

    async def copy(self, partition: int) -> None:
        """One life of a worker: fence whoever was before, go on where the offsets say."""
        source = TopicPartition("in", partition)
        producer = AIOKafkaProducer(
            bootstrap_servers=self.broker.bootstrap, transactional_id=f"copy-{partition}", **PATIENCE
        )
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.broker.bootstrap, group_id="copy", enable_auto_commit=False, **PATIENCE
        )
        async with stopped_at_last(producer), stopped_at_last(consumer):
            consumer.assign([source])
            consumer.seek(source, await consumer.committed(source) or 0)
            while True:
                for records in (await consumer.getmany(timeout_ms=100, max_records=50)).values():
                    await producer.begin_transaction()
                    for record in records:
                        await producer.send("out", record.value, partition=self.random.randrange(PARTITIONS))
                    offsets = {source: records[-1].offset + 1}
                    await producer.send_offsets_to_transaction(offsets, "copy")
                    await producer.commit_transaction()

    async def keep_copying(self, partition: int) -> None:
        while True:
            life = asyncio.ensure_future(self.copy(partition))
            span_s = None if self.is_calm.is_set() else self.random.uniform(0.05, 0.5)
            done, _ = await asyncio.wait([life], timeout=span_s)
            self.worker_kills += not done
            life.cancel()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await life

    async def committed_everywhere(self) -> None:
        deadline = time.monotonic() + DEADLINE_S
        async with AIOKafkaConsumer(  # one that committed by itself would put the group back to where it began to watch
            bootstrap_servers=self.broker.bootstrap, group_id="copy", enable_auto_commit=False
        ) as watcher:
            partitions = [TopicPartition("in", number) for number in range(PARTITIONS)]
            watcher.assign(partitions)
            while time.monotonic() < deadline:
                committed = [await watcher.committed(each) or 0 for each in partitions]
                if sum(committed) == RECORDS:
                    return
                await asyncio.sleep(0.05)
        raise TimeoutError(f"stuck at {committed}")

    async def run(self) -> None:
        workers = [asyncio.ensure_future(self.keep_copying(number)) for number in range(PARTITIONS)]
        await asyncio.gather(self.feed(), self.break_things())
        await self.committed_everywhere()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.parametrize("is_on_disk", [False, True])
def test_every_record_arrives_once(tmp_path: Path, *, is_on_disk: bool) -> None:
    with EmbeddedBroker(data_dir=tmp_path if is_on_disk else None, seed=5) as broker:
        broker.create_topic("in", PARTITIONS)
        broker.create_topic("out", PARTITIONS, {"segment.bytes": "100000"})

        async def story() -> Storm:
            storm = Storm(broker, seed=5)
            await storm.run()
            return storm

        storm = asyncio.run(story())
        arrived = Counter(
            number for partition in range(PARTITIONS) for number in read_committed(broker.bootstrap, "out", partition)
        )
    assert storm.restarts == RESTARTS
    assert sum(broker.faults.fired.values()) > 10
    assert storm.worker_kills > 0
    assert arrived == Counter(range(RECORDS))
