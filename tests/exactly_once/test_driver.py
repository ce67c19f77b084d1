"""A worker on a broker: outputs, state and offsets move together."""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pytest
from aiokafka import ConsumerRecord

from streams.exactly_once.records.produced import Produced
from streams.exactly_once.records.read_records import Record
from streams.harness.interface import KafkaHarness
from tests.exactly_once.accounts import account, random_inputs
from tests.exactly_once.brokers import (
    DEADLINE_S,
    create_sums_topics,
    fresh_prefix,
    read_all,
    read_until,
    settings_for,
    working,
    write,
)
from tests.exactly_once.keyed_sums import KeyedSums, sums_spec


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name)
    return name


def test_every_input_of_both_topics_has_its_output_and_sums_are_right(bootstrap: str, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=1, count=2000)

    async def history() -> list[ConsumerRecord]:
        await write(bootstrap, inputs)
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
            outputs = f"{prefix}-outputs"
            return await read_until(bootstrap, outputs, lambda read: len(read) >= 2000)

    outputs = asyncio.run(history())
    assert account(inputs, outputs).balanced
    assert outputs[0].headers[0][0] == "from"


def test_a_restarted_worker_goes_on_where_it_stopped(bootstrap: str, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=2, count=1500)
    outputs = f"{prefix}-outputs"

    async def history() -> list[ConsumerRecord]:
        for end in (500, 1000, 1500):
            await write(bootstrap, inputs[end - 500 : end])
            async with working(settings_for(bootstrap, prefix), sums_spec(prefix)):
                await read_until(bootstrap, outputs, lambda read, end=end: len(read) >= end)
        return await read_all(bootstrap, outputs)

    assert account(inputs, asyncio.run(history())).balanced


def test_only_a_partition_with_rows_of_state_waits_until_it_can_be_restored(bootstrap: str, prefix: str) -> None:
    inputs, waits = random_inputs(prefix, seed=3, count=400), 0
    outputs = f"{prefix}-outputs"

    async def restorable() -> None:
        nonlocal waits
        waits += 1

    async def history() -> list[ConsumerRecord]:
        spec = replace(sums_spec(prefix), until_restorable=restorable)
        for end, expected in ((200, 0), (400, 4)):
            await write(bootstrap, inputs[end - 200 : end])
            async with working(settings_for(bootstrap, prefix), spec):
                await read_until(bootstrap, outputs, lambda read, end=end: len(read) >= end)
            assert waits == expected
        return await read_all(bootstrap, outputs)

    assert account(inputs, asyncio.run(history())).balanced


def test_an_exception_of_the_task_aborts_its_transaction_and_stops_the_worker(bootstrap: str, prefix: str) -> None:
    async def history() -> list[ConsumerRecord]:
        await write(
            bootstrap,
            [
                Produced(f"{prefix}-left", b"k", b"1", partition=0),
                Produced(f"{prefix}-left", b"k", b"poison", partition=0),
            ],
        )
        async with working(settings_for(bootstrap, prefix, commit_interval_ms=5000), sums_spec(prefix)):
            await asyncio.sleep(DEADLINE_S)
        raise AssertionError("unreachable")

    with pytest.raises(ZeroDivisionError, match="a bug of the task"):
        asyncio.run(history())
    assert asyncio.run(read_all(bootstrap, f"{prefix}-outputs")) == []


def test_a_task_in_a_thread_computes_while_others_go_on(bootstrap: str, prefix: str) -> None:
    both_compute = threading.Barrier(2)

    class Patient(KeyedSums):
        """Goes on only once another of its kind computes at the same time."""

        def process(self, topic: str, records: Sequence[Record]) -> Iterator[Produced]:
            both_compute.wait(timeout=DEADLINE_S)
            yield from super().process(topic, records)

    async def history() -> list[ConsumerRecord]:
        await write(bootstrap, [Produced(f"{prefix}-left", b"k", b"1", partition=number) for number in (0, 1)])
        spec = replace(sums_spec(prefix, make=lambda _: Patient(prefix)), in_thread=True)
        async with working(settings_for(bootstrap, prefix), spec):
            return await read_until(bootstrap, f"{prefix}-outputs", lambda read: len(read) >= 2)

    assert [record.key for record in asyncio.run(history())] == [b"k", b"k"]


def test_what_a_task_concludes_is_told_once_a_transaction(bootstrap: str, prefix: str) -> None:
    class Concluding(KeyedSums):
        """Tells, at the end of a transaction, of how many inputs it knows."""

        seen = 0

        def process(self, topic: str, records: Sequence[Record]) -> Iterator[Produced]:
            self.seen += len(records)
            yield from super().process(topic, records)

        def conclude(self) -> Iterable[Produced]:
            told, self.seen = self.seen, 0
            return [Produced(f"{self.prefix}-ticks", None, b"%d" % told)] if told else []

    inputs = random_inputs(prefix, seed=3, count=400)

    async def history() -> list[ConsumerRecord]:
        await write(bootstrap, inputs)
        settings = settings_for(bootstrap, prefix, commit_interval_ms=2_000)
        async with working(settings, sums_spec(prefix, make=lambda _: Concluding(prefix))):
            await read_until(bootstrap, f"{prefix}-outputs", lambda read: len(read) >= 400)
        return await read_all(bootstrap, f"{prefix}-ticks")

    told = [int(record.value) for record in asyncio.run(history())]
    assert sum(told) == 400
    assert len(told) <= 20
