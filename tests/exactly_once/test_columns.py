"""What a task hands out in columns is written as if it had come record by record."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from aiokafka import ConsumerRecord

from streams.exactly_once.records.produced import Outputs, Produced, ProducedColumns, RowColumns, Rows
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.records.spans import Spans
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
from tests.exactly_once.keyed_sums import KeyedSums, sums_spec


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name)
    return name


class InColumns(KeyedSums):
    """The same sums; outputs and rows in columns, beside a record of its own kind."""

    def process(self, topic: str, records: Sequence[Record]) -> Outputs:
        told = list(super().process(topic, records))
        stamp_ms = records[0].timestamp  # of this time: a topic lets go of what is old
        yield Produced(f"{self.prefix}-echo", b"first", told[0].value)
        yield ProducedColumns(
            f"{self.prefix}-outputs", Spans.of(it.key for it in told), Spans.of(it.value for it in told)
        )
        yield ProducedColumns(
            f"{self.prefix}-ticks",
            Spans.of([None, b"k"]),
            Spans.of([b"%d" % len(told), None]),
            np.array([3, 1], np.int32),
            np.array([stamp_ms, stamp_ms + 1]),
        )

    def changed(self) -> Rows:
        rows = list(super().changed())
        return [RowColumns(Spans.of(row.key for row in rows), Spans.of(row.value for row in rows))] if rows else []


def test_a_restarted_task_in_columns_goes_on_where_it_stopped(bootstrap: str, prefix: str) -> None:
    inputs = random_inputs(prefix, seed=8, count=1200)
    outputs = f"{prefix}-outputs"

    async def history() -> list[ConsumerRecord]:
        for end in (600, 1200):
            await write(bootstrap, inputs[end - 600 : end])
            async with working(settings_for(bootstrap, prefix), sums_spec(prefix, make=lambda _: InColumns(prefix))):
                await read_until(bootstrap, outputs, lambda read, end=end: len(read) >= end)
        return await read_all(bootstrap, outputs)

    assert account(inputs, asyncio.run(history())).balanced
    ticks = asyncio.run(read_all(bootstrap, f"{prefix}-ticks"))
    assert {(it.partition, it.key) for it in ticks} == {(3, None), (1, b"k")}
    first_ms, second_ms = ([it.timestamp for it in ticks if it.partition == number] for number in (3, 1))
    assert sorted(second_ms) == sorted(stamp_ms + 1 for stamp_ms in first_ms)
    assert sum(int(it.value) for it in ticks if it.value is not None) == 1200
    assert asyncio.run(read_all(bootstrap, f"{prefix}-echo"))
