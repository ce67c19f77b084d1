"""Markers that the broker left out: whoever takes the task over writes them as the transaction ended.

The harness's broker is told not to check which partitions belong to a transaction. So a record can be written into
one that the coordinator has not heard of: it gets no marker, as if it had had no leader when the markers were sent.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient

from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.transactions.coordinators import TransactionsCoordinator
from streams.exactly_once.transactions.position import Position
from streams.exactly_once.transactions.restore import Restored, read_state
from streams.exactly_once.transactions.takeover import Identity, ask_and_fence
from streams.exactly_once.transactions.writer import Transaction, TransactionalWriter
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.harness.jars import JarsKafka
from tests.exactly_once.brokers import create_topics, fresh_prefix, read_all, settings_for

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
MISSING = [("state",), ("outputs",), ("offsets",), ("state", "outputs"), ("state", "offsets"), ("outputs", "offsets")]
TIMEOUT_MS = 10_000


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


async def have_leaders(_: Collection[TopicPartition]) -> None:
    """They have."""


@asynccontextmanager
async def writer_for(bootstrap: str, prefix: str) -> AsyncIterator[TransactionalWriter]:
    settings = settings_for(bootstrap, prefix, transaction_timeout_ms=TIMEOUT_MS)
    writer = TransactionalWriter(settings, f"{prefix}-0", place(prefix, "state"), wall_clock_ms, have_leaders)
    try:
        yield writer
    finally:
        await writer.discard()


@asynccontextmanager
async def coordinator_of(bootstrap: str, prefix: str) -> AsyncIterator[TransactionsCoordinator]:
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        yield TransactionsCoordinator(client, f"{prefix}-0", TIMEOUT_MS, have_leaders)
    finally:
        await client.close()


async def restored(bootstrap: str, prefix: str) -> Restored:
    return await read_state(settings_for(bootstrap, prefix), place(prefix, "state"), 1, lambda rows, size: None)


def transaction(prefix: str, value: bytes, end: int) -> Transaction:
    produced = [Produced(f"{prefix}-outputs", None, value)]
    rows = [StateRow(b"__format__", b"1"), StateRow(value, value)]
    return Transaction(produced, rows, {place(prefix, "left"): end}, 1, 0)


async def take_over_and_read(bootstrap: str, prefix: str) -> Restored:
    async with writer_for(bootstrap, prefix) as writer:
        return await writer.open(lambda: restored(bootstrap, prefix))


async def begin_with_one_transaction(bootstrap: str, prefix: str) -> None:
    async with writer_for(bootstrap, prefix) as writer:
        await writer.open(lambda: restored(bootstrap, prefix))
        await writer.transact(transaction(prefix, b"first", 1))


def hide_from_coordinator(producer: AIOKafkaProducer, prefix: str, missing: Collection[str]) -> None:
    """Let a producer believe, in the transaction that it has begun, that its coordinator knows them already."""
    manager = producer._txn_manager  # noqa: SLF001  there is no public way to be so wrong
    manager._txn_partitions.update(place(prefix, name) for name in missing if name != "offsets")  # noqa: SLF001
    if "offsets" in missing:
        manager._txn_consumer_group = prefix  # noqa: SLF001


async def end_without_markers(bootstrap: str, prefix: str, missing: Collection[str], *, committed: bool) -> None:
    """A second transaction, whose markers do not get everywhere."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{prefix}-0")
    await producer.start()
    await producer.begin_transaction()
    hide_from_coordinator(producer, prefix, missing)
    left, outputs = f"{prefix}-left", f"{prefix}-outputs"
    position = Position(transaction=3, inputs={left: (1, 7)}, outputs={outputs: (0,)}).row()
    await producer.send_and_wait(f"{prefix}-state", position.value, position.key, partition=0)
    await producer.send_and_wait(outputs, b"second", partition=0)
    await producer.send_offsets_to_transaction({place(prefix, "left"): 7}, prefix)
    await (producer.commit_transaction() if committed else producer.abort_transaction())
    await producer.stop()


async def outputs_seen(bootstrap: str, prefix: str) -> list[bytes | None]:
    return [record.value for record in await read_all(bootstrap, f"{prefix}-outputs")]


async def offset_seen(bootstrap: str, prefix: str) -> int | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=prefix, enable_auto_commit=False)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(place(prefix, "left"))
    finally:
        await consumer.stop()
    return offset


@pytest.mark.parametrize("missing", MISSING, ids="+".join)
@pytest.mark.parametrize("committed", [True, False], ids=["committed", "aborted"])
def test_outputs_and_position_are_those_of_the_decision_wherever_a_marker_is_missing(
    unchecking: str, prefix: str, missing: Collection[str], *, committed: bool
) -> None:
    async def history() -> tuple[dict[str, int] | None, list[bytes | None]]:
        await begin_with_one_transaction(unchecking, prefix)
        await end_without_markers(unchecking, prefix, missing, committed=committed)
        found = await take_over_and_read(unchecking, prefix)
        return found.position and found.position.starts, await outputs_seen(unchecking, prefix)

    expected = (7, [b"first", b"second"]) if committed else (1, [b"first"])
    assert asyncio.run(history()) == ({f"{prefix}-left": expected[0]}, expected[1])


@pytest.mark.parametrize("steps", [1, 2, 3], ids=["after the fence", "completing begun", "completing ended"])
@pytest.mark.parametrize("missing", [("state",), ("outputs",), ("state", "outputs")], ids="+".join)
def test_a_worker_that_dies_while_it_takes_over_leaves_the_decision_to_the_next(
    unchecking: str, prefix: str, missing: Collection[str], steps: int
) -> None:
    async def history() -> tuple[dict[str, int] | None, list[bytes | None]]:
        await begin_with_one_transaction(unchecking, prefix)
        await end_without_markers(unchecking, prefix, missing, committed=True)
        async with coordinator_of(unchecking, prefix) as dying:
            await dying.announce()
            held = await ask_and_fence(dying, TIMEOUT_MS)
            if steps > 1:
                await dying.begin_completing(held.identity, [place(prefix, name) for name in missing])
            if steps > 2:
                await dying.end(held.identity, committed=held.was_committed)
        found = await take_over_and_read(unchecking, prefix)
        return found.position and found.position.starts, await outputs_seen(unchecking, prefix)

    assert asyncio.run(history()) == ({f"{prefix}-left": 7}, [b"first", b"second"])


def test_the_next_transaction_puts_the_groups_offset_right(unchecking: str, prefix: str) -> None:
    async def history() -> tuple[int | None, int | None]:
        await begin_with_one_transaction(unchecking, prefix)
        await end_without_markers(unchecking, prefix, ["offsets"], committed=True)
        before = await offset_seen(unchecking, prefix)
        async with writer_for(unchecking, prefix) as writer:
            found = await writer.open(lambda: restored(unchecking, prefix))
            assert found.position is not None
            writer.begin_at(found.position)
            await writer.transact(transaction(prefix, b"third", 9))
        return before, await offset_seen(unchecking, prefix)

    assert asyncio.run(history()) == (1, 9)


def test_a_writer_that_outlives_its_coordinator_settles_what_it_committed(unchecking: str, prefix: str) -> None:
    async def history() -> tuple[bool, bool, list[bytes | None]]:
        async with writer_for(unchecking, prefix) as writer:
            await writer.open(lambda: restored(unchecking, prefix))
            await writer.transact(transaction(prefix, b"first", 1))
            producer, coordinator = writer._producer, writer._coordinator  # noqa: SLF001
            begin = coordinator.begin

            async def begin_without_outputs(identity: Identity, places: object, *, over: object) -> bool:
                return await begin(identity, [place(prefix, "state")], over=over)

            coordinator.begin = begin_without_outputs  # type: ignore[method-assign]
            await writer.transact(transaction(prefix, b"second", 2))
            coordinator.begin = begin  # type: ignore[method-assign]
            before = writer.is_unsettled
            for connection in list(producer.client._conns.values()):  # noqa: SLF001
                connection.close()
            after = writer.is_unsettled
            await writer.settle()
            seen = await outputs_seen(unchecking, prefix)
            await writer.transact(transaction(prefix, b"third", 3))
            assert not writer.is_unsettled
        return before, after, seen

    assert asyncio.run(history()) == (False, True, [b"first", b"second"])


def test_a_writer_that_was_fenced_while_its_coordinator_was_away_does_not_settle(unchecking: str, prefix: str) -> None:
    async def history() -> None:
        async with writer_for(unchecking, prefix) as writer:
            await writer.open(lambda: restored(unchecking, prefix))
            await writer.transact(transaction(prefix, b"first", 1))
            for connection in list(writer._producer.client._conns.values()):  # noqa: SLF001
                connection.close()
            await take_over_and_read(unchecking, prefix)
            await writer.settle()

    with pytest.raises(Exception, match="fenced"):
        asyncio.run(history())


def test_a_writer_does_not_settle_once_another_worker_has_announced_a_takeover(unchecking: str, prefix: str) -> None:
    async def history() -> None:
        async with writer_for(unchecking, prefix) as writer, coordinator_of(unchecking, prefix) as successor:
            await writer.open(lambda: restored(unchecking, prefix))
            await writer.transact(transaction(prefix, b"first", 1))
            for connection in list(writer._producer.client._conns.values()):  # noqa: SLF001
                connection.close()
            await successor.announce()
            await writer.settle()

    with pytest.raises(Exception, match="fenced"):
        asyncio.run(history())
