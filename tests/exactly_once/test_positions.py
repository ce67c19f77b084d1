"""State and position stand or fall together, whatever the group's committed offsets say."""

import asyncio
import signal
from collections.abc import Mapping

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from kafka import TopicPartition as KafkaPythonPartition
from kafka.admin import KafkaAdminClient

from streams.exactly_once.records.produced import Produced
from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness
from tests.exactly_once.accounts import account, random_inputs
from tests.exactly_once.brokers import (
    create_sums_topics,
    fresh_prefix,
    read_all,
    read_until,
    settings_for,
    working,
    write,
)
from tests.exactly_once.keyed_sums import sums_spec
from tests.exactly_once.watching import Watching
from tests.exactly_once.worker import worker_process

INPUTS = 400


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name)
    return name


def input_partitions(prefix: str) -> list[TopicPartition]:
    return [TopicPartition(f"{prefix}-{side}", number) for side in ("left", "right") for number in range(4)]


async def set_offsets(bootstrap: str, prefix: str, offsets: Mapping[TopicPartition, int]) -> None:
    """What any operator's tool does to a group without members."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=prefix, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(input_partitions(prefix))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()


async def set_back(bootstrap: str, prefix: str) -> None:
    await set_offsets(bootstrap, prefix, dict.fromkeys(input_partitions(prefix), 0))


async def set_forward(bootstrap: str, prefix: str) -> None:
    await set_offsets(bootstrap, prefix, dict.fromkeys(input_partitions(prefix), 1_000_000))


async def delete(bootstrap: str, prefix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        partitions = [KafkaPythonPartition(tp.topic, tp.partition) for tp in input_partitions(prefix)]
        await asyncio.to_thread(admin.delete_group_offsets, prefix, partitions)
    finally:
        admin.close()


@pytest.mark.parametrize("tampered", [set_back, set_forward, delete], ids=["set back", "set forward", "deleted"])
def test_what_is_done_to_the_groups_offsets_between_two_workers_changes_nothing_and_is_told(
    bootstrap: str, prefix: str, tampered: object
) -> None:
    inputs = random_inputs(prefix, seed=31, count=2 * INPUTS)
    outputs = f"{prefix}-outputs"

    async def history() -> tuple[list[ConsumerRecord], Watching]:
        seen = Watching()
        await write(bootstrap, inputs[:INPUTS])
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
            await read_until(bootstrap, outputs, lambda read: len(read) >= INPUTS)
        await tampered(bootstrap, prefix)  # type: ignore[operator]
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix), observer=seen):
            await seen.until(lambda it: len(it.open) == 4)
            await write(bootstrap, inputs[INPUTS:])
            await read_until(bootstrap, outputs, lambda read: len(read) >= 2 * INPUTS)
        return await read_all(bootstrap, outputs), seen

    read, seen = asyncio.run(history())
    assert account(inputs, read).balanced
    assert {TopicPartition(topic, partition) for partition, topic in seen.differences} == set(input_partitions(prefix))


def test_offsets_whose_marker_is_late_when_the_next_worker_opens_count_nothing_twice() -> None:
    """A worker is killed after its transaction has committed and before the group's coordinator shows its offsets."""
    with EmbeddedKafka() as broker:
        prefix = fresh_prefix()
        create_sums_topics(broker.bootstrap, prefix)
        inputs = random_inputs(prefix, seed=32, count=2 * INPUTS)
        outputs = f"{prefix}-outputs"

        async def history() -> list[ConsumerRecord]:
            with worker_process(broker.bootstrap, prefix) as victim:
                await write(broker.bootstrap, inputs[: INPUTS // 2])
                await read_until(broker.bootstrap, outputs, lambda read: len(read) >= INPUTS // 2)
                broker.faults.hold_offsets()
                await write(broker.bootstrap, inputs[INPUTS // 2 : INPUTS])
                await read_until(broker.bootstrap, outputs, lambda read: len(read) >= INPUTS)
                victim.send_signal(signal.SIGKILL)
            async with working(settings_for(broker.bootstrap, prefix), sums_spec(prefix)):
                await write(broker.bootstrap, inputs[INPUTS:])
                await read_until(broker.bootstrap, outputs, lambda read: len(read) >= 2 * INPUTS)
            broker.faults.clear()
            return await read_all(broker.bootstrap, outputs)

        assert account(inputs, asyncio.run(history())).balanced


def test_where_an_older_version_worked_last_its_offsets_count(bootstrap: str, prefix: str) -> None:
    """A version without positions commits the group's offsets alone; then the newer one takes over again."""
    key, place = b"key", {"partition": 0}
    inputs = [Produced(f"{prefix}-left", key, b"1", **place) for _ in range(30)]
    outputs = f"{prefix}-outputs"

    async def history() -> list[ConsumerRecord]:
        await write(bootstrap, inputs[:10])
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
            await read_until(bootstrap, outputs, lambda read: len(read) >= 10)
        told = [Produced(outputs, key, f"{prefix}-left 0 {n} {n + 1}".encode()) for n in range(10, 20)]
        await write(bootstrap, [*inputs[10:20], *told, Produced(f"{prefix}-state", key, b"20", **place)])
        await set_offsets(bootstrap, prefix, {TopicPartition(f"{prefix}-left", 0): 20})
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
            await write(bootstrap, inputs[20:])
            await read_until(bootstrap, outputs, lambda read: len(read) >= 30)
        return await read_all(bootstrap, outputs)

    assert account(inputs, asyncio.run(history())).balanced
