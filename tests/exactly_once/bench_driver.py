"""What the driver costs: a bare aiokafka consumer against the driver with trivial tasks, in one run.

python -m tests.exactly_once.bench_driver --backend jars --records 600000
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.exactly_once.observer import Observer
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import TaskSpec
from tests.exactly_once.brokers import BACKENDS, create_topics, settings_for, working

PARTITIONS = 4
VALUE_BYTES = 221
USERS = 80_000


class Silent:
    """Counts, and produces nothing: what remains is the driver."""

    def restore(self, rows: Iterable[StateRow]) -> None:
        pass

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        return ()

    def process(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        return ()

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:
        return ()

    def conclude(self) -> Iterable[Produced]:
        return ()

    def changed(self) -> Iterable[StateRow]:
        return ()


class OneToOne(Silent):
    """An output of the same size per input, and a state row per key that was seen."""

    def __init__(self, out: str) -> None:
        self.out = out
        self.dirty: dict[bytes, bytes] = {}

    def process(self, topic: str, records: Sequence[Record]) -> Iterator[Produced]:
        out, dirty = self.out, self.dirty
        for record in records:
            dirty[record.key or b""] = b"12345678"
            yield Produced(out, record.key, record.value)

    def changed(self) -> Iterable[StateRow]:
        rows = [StateRow(key, value) for key, value in self.dirty.items()]
        self.dirty = {}
        return rows


class Counting(Observer):
    """How many records are committed, and what it took."""

    def __init__(self, records: int) -> None:
        self.wanted = records
        self.started_s = 0.0
        self.records = self.outputs = self.rows = self.commits = self.batches = 0
        self.task_s = self.commit_s = 0.0
        self.done = asyncio.Event()

    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        self.started_s = self.started_s or time.perf_counter()

    def processed(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        self.batches += 1
        self.task_s += seconds

    def committed(self, task: str, partition: int, *, seconds: float, records: int, outputs: int, rows: int) -> None:
        self.records += records
        self.outputs += outputs
        self.rows += rows
        self.commits += 1
        self.commit_s += seconds
        if self.records >= self.wanted:
            self.done.set()


async def fill(bootstrap: str, topic: str, records: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=500_000) as producer:
        for partition in range(PARTITIONS):
            deliveries = []
            batch = producer.create_batch()
            for number in range(records // PARTITIONS):
                key = b"user-%d" % ((number * PARTITIONS + partition) % USERS)
                value = b"x" * VALUE_BYTES
                while batch.append(timestamp=None, key=key, value=value) is None:
                    deliveries.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
            deliveries.append(await producer.send_batch(batch, topic, partition=partition))
            await asyncio.gather(*deliveries)


async def bare(bootstrap: str, topic: str, records: int) -> float:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    started_s, count = time.perf_counter(), 0
    while count < records:
        for fetched in (await consumer.getmany(timeout_ms=1000)).values():
            count += len(fetched)
    taken_s = time.perf_counter() - started_s
    await consumer.stop()
    return taken_s


async def driven(
    bootstrap: str, topic: str, records: int, group: str, make: Callable[[], Silent]
) -> tuple[float, Counting]:
    counting = Counting(records)
    spec = TaskSpec(name="bench", inputs=(topic,), state_topic=f"{group}-state", make=lambda partition: make())
    settings = settings_for(bootstrap, group, commit_interval_ms=150)
    async with working(settings, spec, observer=counting):
        await counting.done.wait()
        return time.perf_counter() - counting.started_s, counting


class Restores(Observer):
    """How long restores take."""

    def __init__(self) -> None:
        self.rows = self.bytes_read = self.partitions = 0
        self.longest_s = 0.0
        self.done = asyncio.Event()

    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        self.partitions += 1
        self.rows += rows
        self.bytes_read += bytes_read
        self.longest_s = max(self.longest_s, seconds)
        if self.partitions == PARTITIONS:
            self.done.set()


async def restored(bootstrap: str, topic: str, group: str) -> Restores:
    restores = Restores()
    spec = TaskSpec(name="bench", inputs=(topic,), state_topic=f"{group}-state", make=lambda partition: Silent())
    async with working(settings_for(bootstrap, group), spec, observer=restores):
        await restores.done.wait()
    return restores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=sorted(BACKENDS), default="jars")
    parser.add_argument("--records", type=int, default=400_000)
    options = parser.parse_args()
    with BACKENDS[options.backend]() as broker:
        names = ("in", "out", "silent-state", "copy-state")
        create_topics(broker.bootstrap, dict.fromkeys(names, PARTITIONS))
        asyncio.run(fill(broker.bootstrap, "in", options.records))
        base_s = asyncio.run(bare(broker.bootstrap, "in", options.records))
        print(f"bare getmany                {options.records / base_s:>9,.0f} records/s")
        for label, group, make in (
            ("driver, nothing produced", "silent", Silent),
            ("driver, output + state row", "copy", lambda: OneToOne("out")),
        ):
            cpu_s = time.process_time()
            taken_s, count = asyncio.run(driven(broker.bootstrap, "in", options.records, group, make))
            cpu_s = time.process_time() - cpu_s
            print(
                f"{label:<27} {options.records / taken_s:>9,.0f} records/s  ratio {base_s / taken_s:.2f}  "
                f"{count.commits} commits of {1000 * count.commit_s / count.commits:.1f} ms, "
                f"{count.batches} batches, {count.outputs:,} outputs, {count.rows:,} rows, "
                f"{count.task_s:.1f} s in the task, "
                f"{1e6 * cpu_s / options.records:.1f} us of CPU a record"
            )
        seen = asyncio.run(restored(broker.bootstrap, "in", "copy"))
        print(
            f"restore of {PARTITIONS} partitions at once: {seen.rows:,} rows alive, "
            f"{seen.bytes_read:,} bytes read, {seen.longest_s:.2f} s"
        )


if __name__ == "__main__":
    main()
