"""Broadcast topics are read in full before anything is processed, and enter between batches."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest
from aiokafka import ConsumerRecord

from streams.exactly_once.records.produced import Produced
from streams.exactly_once.records.read_records import Record
from streams.harness.interface import KafkaHarness
from tests.exactly_once.brokers import (
    create_sums_topics,
    fresh_prefix,
    read_until,
    settings_for,
    working,
    write,
)
from tests.exactly_once.keyed_sums import KeyedSums, sums_spec


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name, partitions=2)
    return name


def totals(outputs: Iterable[ConsumerRecord]) -> list[int]:
    return [int((output.value or b"").split()[-1]) for output in outputs]


def test_the_newest_broadcast_record_is_known_before_the_first_batch(bootstrap: str, prefix: str) -> None:
    async def history() -> list[ConsumerRecord]:
        await write(bootstrap, [Produced(f"{prefix}-left", b"k%d" % n, b"1") for n in range(20)])
        await write(bootstrap, [Produced(f"{prefix}-bonus", b"bonus", b"%d" % n) for n in (5, 1000)])
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix, broadcasts=True)):
            outputs = f"{prefix}-outputs"
            return await read_until(bootstrap, outputs, lambda read: len(read) >= 20)

    assert totals(asyncio.run(history())) == [1001] * 20


def test_what_comes_later_enters_and_its_outputs_commit_without_any_input(bootstrap: str, prefix: str) -> None:
    async def history() -> list[ConsumerRecord]:
        echo = f"{prefix}-echo"
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix, broadcasts=True)):
            for count, bonus in ((2, b"7"), (4, b"8")):  # two tasks, so each record is echoed twice
                await write(bootstrap, [Produced(f"{prefix}-bonus", b"bonus", bonus)])
                echoes = await read_until(bootstrap, echo, lambda read, count=count: len(read) >= count)
            await write(bootstrap, [Produced(f"{prefix}-left", b"k", b"1")])
            await read_until(bootstrap, f"{prefix}-outputs", lambda read: len(read) >= 1)
            return echoes

    assert sorted(echo.value or b"" for echo in asyncio.run(history())) == [b"7", b"7", b"8", b"8"]


def test_a_deleted_key_is_not_part_of_what_a_task_opens_with(bootstrap: str, prefix: str) -> None:
    seen: list[tuple[bytes | None, bytes | None]] = []

    class Noting(KeyedSums):
        def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
            seen.extend((record.key, record.value) for record in records)
            return ()

    async def history() -> None:
        pairs = [(b"gone", b"1"), (b"stays", b"1"), (b"gone", None), (b"stays", b"2")]
        await write(bootstrap, [Produced(f"{prefix}-bonus", key, value) for key, value in pairs])
        await write(bootstrap, [Produced(f"{prefix}-left", b"k", b"1", partition=0)])
        spec = sums_spec(prefix, broadcasts=True, make=lambda partition: Noting(prefix))
        async with working(settings_for(bootstrap, prefix), spec):
            await read_until(bootstrap, f"{prefix}-outputs", lambda read: len(read) >= 1)

    asyncio.run(history())
    assert set(seen) == {(b"stays", b"2")}


def test_ticks_produce_without_any_input(bootstrap: str, prefix: str) -> None:
    async def history() -> list[ConsumerRecord]:
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix, with_ticks=True)):
            return await read_until(bootstrap, f"{prefix}-ticks", lambda read: len(read) >= 20)

    by_partition: dict[int, list[int]] = {0: [], 1: []}
    for tick in asyncio.run(history()):
        by_partition[tick.partition].append(int(tick.value or b"0"))
    assert all(times == sorted(times) and len(times) > 5 for times in by_partition.values())
