"""Markers that the broker left out: whoever opens next writes them as the transaction ended.

The harness's broker is told not to check which partitions belong to a transaction. So a record can be written into
one that the coordinator has not heard of: it gets no marker, as if it had had no leader when the markers were sent.
"""

import asyncio
from collections.abc import Collection, Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.exactly_once.past import Past
from streams.exactly_once.task import Produced, StateRow
from streams.exactly_once.writer import Transaction, TransactionalWriter
from streams.harness.jars import JarsKafka
from tests.exactly_once.brokers import create_topics, fresh_prefix, read_all, settings_for

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
MISSING = [("state",), ("outputs",), ("offsets",), ("state", "outputs"), ("state", "offsets"), ("outputs", "offsets")]


@pytest.fixture(scope="module")
def unchecking() -> Iterator[str]:
    with JarsKafka(properties={"transaction.partition.verification.enable": "false"}) as harness:
        yield harness.bootstrap


@pytest.fixture
def prefix(unchecking: str) -> str:
    name = fresh_prefix()
    create_topics(unchecking, dict.fromkeys((f"{name}-state", f"{name}-outputs", f"{name}-left"), 1))
    return name


def place(prefix: str, name: str) -> TopicPartition:
    return TopicPartition(f"{prefix}-{name}", 0)


def writer_for(bootstrap: str, prefix: str, past: Past) -> TransactionalWriter:
    async def have_leaders(_: Collection[TopicPartition]) -> None:
        """They have."""

    return TransactionalWriter(settings_for(bootstrap, prefix), f"{prefix}-0", lambda: 0, have_leaders, past)


def hide_from_coordinator(producer: AIOKafkaProducer, prefix: str, missing: Collection[str]) -> None:
    """Let a producer believe, in the transaction that it has begun, that its coordinator knows them."""
    manager = producer._txn_manager  # noqa: SLF001  there is no public way to be so wrong
    manager._txn_partitions.update(place(prefix, name) for name in missing if name != "offsets")  # noqa: SLF001
    if "offsets" in missing:
        manager._txn_consumer_group = prefix  # noqa: SLF001


async def end_without_markers(bootstrap: str, prefix: str, missing: Collection[str], *, committed: bool) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{prefix}-0")
    await producer.start()
    await producer.begin_transaction()
    hide_from_coordinator(producer, prefix, missing)
    for name in ("state", "outputs"):
        await producer.send_and_wait(f"{prefix}-{name}", b"1", partition=0)
    await producer.send_offsets_to_transaction({place(prefix, "left"): 7}, prefix)
    await (producer.commit_transaction() if committed else producer.abort_transaction())
    await producer.stop()


async def seen(bootstrap: str, prefix: str) -> tuple[int, int, int | None]:
    """State rows, outputs and the offset, as everybody sees them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=prefix, enable_auto_commit=False)
    await consumer.start()
    try:
        offset = await consumer.committed(place(prefix, "left"))
    finally:
        await consumer.stop()
    state, outputs = [len(await read_all(bootstrap, f"{prefix}-{name}")) for name in ("state", "outputs")]
    return state, outputs, offset


async def open_and_sweep(bootstrap: str, prefix: str, past: Past) -> None:
    writer = writer_for(bootstrap, prefix, past)
    try:
        await writer.open()
        await writer.sweep([place(prefix, "state"), place(prefix, "outputs")])
    finally:
        await writer.discard()


@pytest.mark.parametrize("missing", MISSING, ids="+".join)
@pytest.mark.parametrize("committed", [True, False], ids=["committed", "aborted"])
def test_a_missing_marker_is_written_as_the_transaction_ended(
    unchecking: str, prefix: str, missing: Collection[str], *, committed: bool
) -> None:
    async def history() -> tuple[int, int, int | None]:
        await end_without_markers(unchecking, prefix, missing, committed=committed)
        await open_and_sweep(unchecking, prefix, Past())
        return await seen(unchecking, prefix)

    assert asyncio.run(history()) == ((1, 1, 7) if committed else (0, 0, None))


def test_what_is_known_of_the_past_outlives_an_opening_that_failed_after_the_fence(
    unchecking: str, prefix: str
) -> None:
    async def history() -> tuple[int, int, int | None]:
        past = Past()
        await end_without_markers(unchecking, prefix, ["state"], committed=True)
        failing = writer_for(unchecking, prefix, past)
        await failing.open()
        await failing.discard()
        await open_and_sweep(unchecking, prefix, past)
        return await seen(unchecking, prefix)

    assert asyncio.run(history()) == (1, 1, 7)


def test_a_writer_that_outlives_its_coordinator_settles_what_it_committed(unchecking: str, prefix: str) -> None:
    offsets = {place(prefix, "left"): 7}
    produced, rows = [Produced(f"{prefix}-outputs", None, b"1")], [StateRow(b"k", b"1")]
    first = Transaction(produced, rows, place(prefix, "state"), offsets, 1, 0)

    async def history() -> tuple[bool, bool, tuple[int, int, int | None]]:
        writer = writer_for(unchecking, prefix, Past())
        await writer.open()
        await writer.sweep([place(prefix, "state"), place(prefix, "outputs")])
        producer = writer._producer  # noqa: SLF001
        begin = producer.begin_transaction

        async def begin_hidden() -> None:
            await begin()
            while not await producer._sender._do_add_offsets_to_txn(prefix):  # noqa: SLF001
                pass  # the sweep's markers are not there yet: one would count for what is written next
            hide_from_coordinator(producer, prefix, ["outputs"])

        producer.begin_transaction = begin_hidden
        await writer.transact(first)
        producer.begin_transaction = begin
        before = writer.is_unsettled
        for connection in list(producer.client._conns.values()):  # noqa: SLF001
            connection.close()
        after = writer.is_unsettled
        while writer.is_unsettled:
            await writer.settle()
        visible = await seen(unchecking, prefix)
        await writer.discard()
        return before, after, visible

    assert asyncio.run(history()) == (False, True, (1, 1, 7))
