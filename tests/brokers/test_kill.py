"""The broker as a process of its own, killed with SIGKILL in the middle of traffic."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.harness.free_ports import free_ports
from tests.brokers.raw_client import RawClient
from tests.brokers.test_transactions import committed_values
from tests.brokers.topics import TopicMaker
from tests.brokers.waiting import eventually, reached

pytestmark = pytest.mark.usefixtures("tidied")
RUN = "import sys; from streams.broker.embedded import serve; serve('127.0.0.1', int(sys.argv[1]), sys.argv[2])"
KILLS = 4
ROWS_PER_KILL = 250  # long enough for the cleaner to be killed at its work
ROOT = Path(__file__).parent.parent.parent


class BrokerProcess:
    """A broker with its data on disk that can be killed and started again on its port."""

    def __init__(self, data_dir: Path) -> None:
        (self.port,) = free_ports(1)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.data_dir = data_dir
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-c", RUN, str(self.port), str(self.data_dir)]
        process = subprocess.Popen(arguments, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        eventually(self.is_up)
        return process

    def is_up(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=60).close()
        except OSError:
            return False
        return True

    def kill_and_restart(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = self._start()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[BrokerProcess]:
    broker = BrokerProcess(tmp_path / "data")
    yield broker
    broker.process.send_signal(signal.SIGTERM)
    assert broker.process.wait(120) == 0, "SIGTERM is a clean end"


def test_what_was_acknowledged_is_there_once_after_every_kill(mortal: BrokerProcess) -> None:
    topic = TopicMaker(mortal.bootstrap)()
    total = 2_000

    async def story() -> list[int]:
        acknowledged: list[int] = []
        async with AIOKafkaProducer(
            bootstrap_servers=mortal.bootstrap,
            enable_idempotence=True,
            retry_backoff_ms=20,
            request_timeout_ms=20_000,
            max_batch_size=400,
        ) as producer:

            async def send(number: int) -> None:
                metadata = await (await producer.send(topic, b"%d" % number, partition=0))
                acknowledged.append(metadata.offset)

            async def storm() -> None:
                for kill in range(1, KILLS + 1):
                    await reached(acknowledged, kill * total // (KILLS + 1))
                    await asyncio.to_thread(mortal.kill_and_restart)

            killing = asyncio.ensure_future(storm())
            for start in range(0, total, 100):
                await asyncio.gather(*(send(number) for number in range(start, start + 100)))
            await killing
        return acknowledged

    offsets = asyncio.run(story())
    assert sorted(offsets) == list(range(total)), "every offset acknowledged once"
    values = committed_values(mortal.bootstrap, topic, total)
    assert values == [b"%d" % number for number in range(total)], "in order, none lost, none doubled"


def commit_numbered_transactions(mortal: BrokerProcess, topic: str, group: str) -> list[int]:
    """Write transaction after transaction over two partitions; returns those whose commit was answered."""
    acknowledged: list[int] = []
    numbers = itertools.count(1)
    total = 40 * (KILLS + 1)

    async def run(producer: AIOKafkaProducer) -> None:
        while len(acknowledged) < total:
            number = next(numbers)
            value = b"%d" % number
            async with producer.transaction():
                for partition in (0, 1, 0):
                    await producer.send(topic, value, partition=partition)
                await producer.send_offsets_to_transaction({TopicPartition(topic, 0): number}, group)
            acknowledged.append(number)

    async def story() -> None:
        killing = asyncio.ensure_future(storm())
        while len(acknowledged) < total:
            producer = AIOKafkaProducer(
                bootstrap_servers=mortal.bootstrap,
                transactional_id="storm",
                retry_backoff_ms=20,
                request_timeout_ms=5_000,
            )
            try:
                await producer.start()
                await run(producer)
            except Exception:  # noqa: BLE001  the client's own way to say that its broker died
                await asyncio.sleep(0.01)
            finally:
                await asyncio.wait_for(producer.stop(), 120)
        await killing

    async def storm() -> None:
        for kill in range(1, KILLS + 1):
            await reached(acknowledged, 40 * kill)
            await asyncio.to_thread(mortal.kill_and_restart)

    asyncio.run(story())
    return acknowledged


def test_no_transaction_is_half_visible_after_any_kill(mortal: BrokerProcess) -> None:
    topic, group = TopicMaker(mortal.bootstrap)(partitions=2), "storm-group"
    acknowledged = commit_numbered_transactions(mortal, topic, group)
    with RawClient(mortal.bootstrap) as raw:
        raw.init_producer("storm")  # ends what the last producer has left open
        for partition in (0, 1):
            stable = raw.list_offset(topic, -1, committed=True, partition=partition)
            assert stable == raw.list_offset(topic, -1, partition=partition)
    counted = [Counter(read_committed(mortal.bootstrap, topic, partition)) for partition in (0, 1)]
    assert set(counted[0]) == set(counted[1]) >= set(acknowledged)
    assert set(counted[0].values()) == {2}
    assert set(counted[1].values()) == {1}
    assert committed_offset(mortal.bootstrap, topic, group) == max(counted[0]), "offsets go with their records"


def read_committed(bootstrap: str, topic: str, partition: int) -> list[int]:
    async def story() -> list[int]:
        where = TopicPartition(topic, partition)
        async with AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
        ) as consumer:
            consumer.assign([where])
            end = (await consumer.end_offsets([where]))[where]
            found: list[int] = []
            while await consumer.position(where) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [int(record.value) for record in records]
            return found

    return asyncio.run(story())


def committed_offset(bootstrap: str, topic: str, group: str) -> int:
    with RawClient(bootstrap) as raw:
        wanted = [{"name": topic, "partition_indexes": [0]}]
        offset: int = raw.ask("OffsetFetch", 5, group_id=group, topics=wanted).topics[0].partitions[0].committed_offset
        return offset


def test_a_compacted_table_is_right_after_every_kill(mortal: BrokerProcess) -> None:
    """What a task keeps in its state topic: keyed rows, written in transactions, read back from the start."""
    configs = {"cleanup.policy": "compact", "segment.bytes": "2000", "min.cleanable.dirty.ratio": "0.0"}
    topic = TopicMaker(mortal.bootstrap)(configs=configs)
    acknowledged: list[int] = []
    total, keys = ROWS_PER_KILL * (KILLS + 1), 7

    async def write(numbers: Iterator[int]) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=mortal.bootstrap,
            transactional_id="table",
            retry_backoff_ms=20,
            request_timeout_ms=5_000,
        )
        try:
            await producer.start()
            while len(acknowledged) < total:
                number = next(numbers)
                async with producer.transaction():
                    await producer.send(topic, b"%d" % number, b"%d" % (number % keys), partition=0)
                acknowledged.append(number)
        except Exception:  # noqa: BLE001  the client's own way to say that its broker died
            await asyncio.sleep(0.01)
        finally:
            await asyncio.wait_for(producer.stop(), 120)

    async def story() -> None:
        async def storm() -> None:
            for kill in range(1, KILLS + 1):
                await reached(acknowledged, ROWS_PER_KILL * kill)
                await asyncio.to_thread(mortal.kill_and_restart)

        killing = asyncio.ensure_future(storm())
        numbers = itertools.count(1)
        while len(acknowledged) < total:
            await write(numbers)
        await killing

    asyncio.run(story())
    with RawClient(mortal.bootstrap) as raw:
        raw.init_producer("table")
    eventually(lambda: len(read_committed(mortal.bootstrap, topic, 0)) < ROWS_PER_KILL)
    rows = read_committed(mortal.bootstrap, topic, 0)
    table = {number % keys: number for number in rows}
    latest = {number % keys: number for number in acknowledged}
    assert all(table[key] >= number for key, number in latest.items())
    assert table.keys() == latest.keys()
    assert rows == sorted(rows)
