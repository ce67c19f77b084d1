"""Divides one partition of a task's state, in steps that can be cut anywhere and begun again.

Theory of operation. The old partition is taken over as a worker would: nobody else can write to it from now on. Then:

1. **Copy** the rows of keys that move, in transactions of bounded size, to the new partitions. The old one is
   unchanged, and nothing reads the new ones, so copying again does no harm; what an earlier attempt has left there is
   deleted first.
2. **Switch**, in one transaction: the new partitions get their position and what they share with the old one; the
   position of the old one says for how many partitions its state is divided.
3. **Sweep**: delete from the old partition what has moved. The rows to delete follow from their keys.
4. **Finish**: when all markers are written, the old partition's position lists the new ones no more as its outputs.
   Otherwise its next owner would write markers into partitions that others write to by then.

The position tells which steps are done: before 2 it is not divided, before 4 it lists the new partitions. All
transactions have the transactional id of the old partition's task, so a worker that takes it over fences the move.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import TopicPartition

from processors.telling import Tell
from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import StateFormatError
from streams.exactly_once.records.produced import Produced, ProducedColumns, StateRow
from streams.exactly_once.records.spans import Spans
from streams.exactly_once.task import TaskSpec
from streams.exactly_once.transactions.position import POSITION_KEY, Position
from streams.exactly_once.transactions.restore import FORMAT_KEY, format_row
from streams.exactly_once.transactions.writer import Transaction, TransactionalWriter
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.growing.chunk import Chunk
from streams.growing.divisions import Division, Shared
from streams.growing.growth import ELSEWHERE, Growth
from streams.growing.log_columns import columns_of, log_consumer


class Surveyed(NamedTuple):
    """What one pass over a partition of state finds; implements what a takeover needs."""

    position: Position | None
    shared: Shared
    row_count: int  # all versions of all rows

    @property
    def outputs(self) -> Collection[TopicPartition]:
        """The partitions that the task may have written to."""
        return set() if self.position is None else self.position.output_partitions()


class StateMove:
    """The move of one old partition."""

    def __init__(
        self, settings: DriverSettings, spec: TaskSpec, division: Division, growth: Growth, partition: int, tell: Tell
    ) -> None:
        self.moved_count = 0
        self._settings, self._spec, self._division = settings, spec, division
        self._growth, self._partition, self._tell = growth, partition, tell
        self._state = TopicPartition(spec.state_topic, partition)
        self._what = f"{spec.name}-{partition}: "
        self._offsets: dict[TopicPartition, int] = {}

    async def run(self) -> int:
        """Take all steps that are not done; returns the number of copied rows. Raises as the driver does."""
        async with self._writer() as writer:
            found = await writer.open(self._survey)
            position = found.position or Position()
            starts = position.starts or await self._beginnings()
            self._offsets = {TopicPartition(topic, self._partition): offset for topic, offset in starts.items()}
            writer.begin_at(position)
            if position.partition_count != self._growth.after:
                await self._announce(writer)
                await self._copy(writer, found.row_count)
                await self._switch(writer, found.shared)
                position = writer.position
            if self._spec.state_topic in position.outputs:
                await self._sweep(writer, found.row_count)
                await writer.settle()
                writer.begin_at(writer.position.without_outputs(self._spec.state_topic))
                await self._write(writer, "finished")
        return self.moved_count

    @asynccontextmanager
    async def _writer(self) -> AsyncIterator[TransactionalWriter]:
        settings, spec = self._settings, self._spec
        transactional_id = f"{settings.group}-{spec.name}-{self._partition}"
        async with log_consumer(settings) as consumer:

            async def await_leaders(partitions: Collection[TopicPartition]) -> None:
                await consumer.beginning_offsets(list(partitions))

            writer = TransactionalWriter(settings, transactional_id, self._state, wall_clock_ms, await_leaders)
            try:
                yield writer
            finally:
                await writer.discard()

    async def _survey(self) -> Surveyed:
        """Read the whole partition, and keep only what belongs to the partition itself."""
        shared: dict[bytes, bytes] = {}
        count = 0
        async for records in columns_of(self._settings, self._state):
            count += len(records)
            self._tell(self._what + "rows read", count)
            for key, value in zip(records.keys.each(), records.values.each(), strict=True):
                if key is not None and self._division.owner_of(key) is None:
                    shared.pop(key, None)
                    if value is not None:
                        shared[key] = value
        written = shared.pop(FORMAT_KEY, None)
        if written is not None and written != format_row(self._spec.state_format).value:
            raise StateFormatError(
                f"{self._state.topic}-{self._partition} is in format {written!r}: start a worker of this version first"
            )
        position = shared.pop(POSITION_KEY, None)
        return Surveyed(None if position is None else Position.of_row(position), shared, count)

    async def _beginnings(self) -> dict[str, int]:
        """The first offsets of the inputs of a task that has never run."""
        inputs = [TopicPartition(topic, self._partition) for topic in self._spec.inputs]
        async with log_consumer(self._settings) as consumer:
            return {tp.topic: offset for tp, offset in (await consumer.beginning_offsets(inputs)).items()}

    async def _announce(self, writer: TransactionalWriter) -> None:
        """List the new partitions as outputs, before anything is written there."""
        heirs = {TopicPartition(self._state.topic, heir) for heir in self._growth.heirs(self._partition)}
        if not heirs <= writer.position.output_partitions():
            writer.begin_at(writer.position.declaring(heirs))
            await self._write(writer, "announced")

    async def _copy(self, writer: TransactionalWriter, row_count: int) -> None:
        for heir in self._growth.heirs(self._partition):
            await self._clear(writer, heir)
        chunk = Chunk()
        done = 0
        async for records in columns_of(self._settings, self._state):
            keys, values = list(records.keys.each()), list(records.values.each())
            for key, value, place in zip(keys, values, self._places(keys), strict=True):
                if key is not None and place not in (self._partition, ELSEWHERE):
                    chunk.put(key, None if value is None else self._division.moved(key, value), place)
            done += len(records)
            if chunk.is_full:
                await self._flush(writer, chunk, done, row_count)
        await self._flush(writer, chunk, row_count, row_count)

    async def _clear(self, writer: TransactionalWriter, heir: int) -> None:
        """Delete what an earlier attempt has left in a new partition."""
        chunk = Chunk()
        async for records in columns_of(self._settings, TopicPartition(self._state.topic, heir)):
            for key, value in zip(records.keys.each(), records.values.each(), strict=True):
                if key is not None and value is not None:
                    chunk.put(key, None, heir)
            if chunk.is_full:
                await self._flush(writer, chunk, 0, 0)
        await self._flush(writer, chunk, 0, 0)

    async def _flush(self, writer: TransactionalWriter, chunk: Chunk, done: int, of: int) -> None:
        if chunk.rows:
            self.moved_count += chunk.live_count
            await self._write(writer, "rows copied", [chunk.columns(self._state.topic)], (), (done, of))
        chunk.clear()

    async def _switch(self, writer: TransactionalWriter, shared: Shared) -> None:
        """From here on the state is divided."""
        topic, growth, division = self._state.topic, self._growth, self._division
        position = Position(
            transaction=1, inputs=dict.fromkeys(self._spec.inputs, (0, 0)), partition_count=growth.after
        )
        of_heirs = [
            Produced(topic, *row, partition=heir)
            for heir in growth.heirs(self._partition)
            for row in (
                format_row(self._spec.state_format),
                *division.of_heir(shared, growth, heir),
                position.row(),  # last, as in every transaction
            )
        ]
        own = [format_row(self._spec.state_format), *division.of_old(shared, growth, self._partition)]
        writer.begin_at(writer.position.divided_for(growth.after))
        await self._write(writer, "divided", of_heirs, own)

    async def _sweep(self, writer: TransactionalWriter, row_count: int) -> None:
        chunk = Chunk()
        done = 0
        async for records in columns_of(self._settings, self._state):
            keys = list(records.keys.each())
            for key, place, value in zip(keys, self._places(keys), records.values.each(), strict=True):
                if key is not None and value is not None and place not in (self._partition, ELSEWHERE):
                    chunk.put(key, None, self._partition)
            done += len(records)
            if chunk.is_full:
                await self._delete(writer, chunk, (done, row_count))
        await self._delete(writer, chunk, (row_count, row_count))

    async def _delete(self, writer: TransactionalWriter, chunk: Chunk, done: tuple[int, int]) -> None:
        await self._write(writer, "rows deleted", (), [StateRow(key, None) for key in chunk.rows], done)
        chunk.clear()

    def _places(self, keys: list[bytes | None]) -> list[int]:
        owners = [None if key is None else self._division.owner_of(key) for key in keys]
        places: list[int] = self._growth.places(Spans.of(owners), self._partition).tolist()
        return places

    async def _write(
        self,
        writer: TransactionalWriter,
        what: str,
        produced: Sequence[Produced | ProducedColumns] = (),
        rows: Collection[StateRow] = (),
        done: tuple[int, int] = (1, 1),
    ) -> None:
        await writer.transact(Transaction(list(produced), list(rows), self._offsets, 0, self._partition))
        self._tell(self._what + what, *done)
