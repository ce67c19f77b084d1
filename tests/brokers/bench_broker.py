"""Figures of a broker's speed: aiokafka against the embedded broker, or any broker that is named.

python tests/brokers/bench_broker.py [--bootstrap HOST:PORT] [--records N] [--data DIR]
"""

import argparse
import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterator

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.broker.embedded import EmbeddedBroker

RECORD = b"x" * 221
BATCH_RECORDS = 2_000


async def fill(bootstrap: str, topic: str, count: int) -> float:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=1 << 20)
    await producer.start()
    started = time.perf_counter()
    pending = set()
    for _ in range(count // BATCH_RECORDS):
        batch = producer.create_batch()
        for index in range(BATCH_RECORDS):
            batch.append(key=b"%d" % index, value=RECORD, timestamp=None)
        pending.add(await producer.send_batch(batch, topic, partition=0))
    await asyncio.gather(*pending)
    elapsed = time.perf_counter() - started
    await producer.stop()
    return count / elapsed


async def drain(bootstrap: str, topic: str, count: int) -> float:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, max_partition_fetch_bytes=1 << 22)
    await consumer.start()
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    started = time.perf_counter()
    seen = 0
    while seen < count:
        fetched = await consumer.getmany(timeout_ms=1000)
        seen += sum(len(records) for records in fetched.values())
    elapsed = time.perf_counter() - started
    await consumer.stop()
    return count / elapsed


async def commit(bootstrap: str, topic: str, times: int) -> list[float]:
    """Milliseconds from the send of 2 batches and offsets to the end of the transaction."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="bench")
    await producer.start()
    took_ms = []
    for number in range(times):
        started = time.perf_counter()
        async with producer.transaction():
            await asyncio.gather(*[producer.send(topic, RECORD, partition=partition) for partition in (0, 1)])
            await producer.send_offsets_to_transaction({TopicPartition(topic, 0): number}, "bench")
        took_ms.append((time.perf_counter() - started) * 1000.0)
    await producer.stop()
    return took_ms


async def bench(bootstrap: str, records: int) -> None:
    topic = f"bench-{time.time_ns()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    print(f"send_batch  {await fill(bootstrap, topic, records):>12,.0f} records/s")
    print(f"getmany     {await drain(bootstrap, topic, records):>12,.0f} records/s")
    took_ms = await commit(bootstrap, topic, 100)
    print(f"transaction {statistics.median(took_ms):>12.1f} ms median, {max(took_ms):.1f} ms at worst")
    await admin.delete_topics([topic])
    await admin.close()


@contextlib.contextmanager
def broker(bootstrap: str | None, data_dir: str | None) -> Iterator[str]:
    if bootstrap is not None:
        yield bootstrap
        return
    with EmbeddedBroker(data_dir=data_dir) as embedded:
        yield embedded.bootstrap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap")
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--data")
    options = parser.parse_args()
    with broker(options.bootstrap, options.data) as bootstrap:
        asyncio.run(bench(bootstrap, options.records))


if __name__ == "__main__":
    main()
