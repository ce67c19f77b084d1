"""An open task: its writer, restored state, positions, and the output since its last commit."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import TypeVar

import numpy as np
from aiokafka import TopicPartition
from numpy.typing import NDArray

from streams.exactly_once.errors import InputAnewError, PartitionsDifferError, ReopenNeeded, TaskFailed
from streams.exactly_once.partitions.measuring import Measuring, Taken
from streams.exactly_once.partitions.work import NOTHING, Done, Work, do
from streams.exactly_once.partitions.worker_context import WorkerContext
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.produced import Produced, ProducedColumns, StateRow, record_count
from streams.exactly_once.task import Paced, Task, TaskSpec
from streams.exactly_once.transactions.position import Position
from streams.exactly_once.transactions.restore import PROGRESS_S, Restored, format_row, read_state
from streams.exactly_once.transactions.writer import Transaction, TransactionalWriter

_T = TypeVar("_T")


class OpenTask:
    """A task from its opening to the first failure; then it is unusable.

    ``seek`` is the seek number of its batches. At most one transaction may be in progress.
    """

    def __init__(self, spec: TaskSpec, number: int, context: WorkerContext, writer: TransactionalWriter) -> None:
        self.seek = 0
        self._spec = spec
        self._number = number
        self._inputs = [TopicPartition(topic, number) for topic in spec.inputs]
        self._context = context
        self._writer = writer
        self._task: Task = _guarded(lambda: spec.make(number))
        self._produced: list[Produced | ProducedColumns] = []
        self._produced_count = 0
        self._input_count = 0
        self._positions: dict[TopicPartition, int] = {}
        self._needs_format = False
        self._measuring = Measuring(spec, number, context.observer, context.clock_ms)

    @classmethod
    async def open(cls, spec: TaskSpec, number: int, context: WorkerContext) -> "OpenTask":
        """Take over, restore, seek; in this order, because the state must not change after it has been read.

        Raises ReopenNeeded, KafkaError or OSError if the broker fails; DriverError; TaskFailed.
        """
        await spec.until_ready()
        state = TopicPartition(spec.state_topic, number)
        transactional_id = f"{context.settings.group}-{spec.name}-{number}"
        writer = TransactionalWriter(
            context.settings, transactional_id, state, context.clock_ms, context.feed.await_leaders
        )
        try:
            opened = cls(spec, number, context, writer)
            restored = await writer.open(
                lambda: read_state(context.settings, state, spec.state_format, opened._restoring)
            )
            await opened._begin(restored)
        except BaseException:
            await writer.discard()
            raise
        return opened

    @property
    def held_count(self) -> int:
        """Size of the next transaction so far, in records."""
        return max(self._input_count, self._produced_count)

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """The next offset of each input."""
        return self._positions

    async def take(self, work: Work) -> None:
        """Pass work to the task."""
        if not work.is_empty:
            await self._done(work, concludes=False)

    async def moments(self, batch: Batch) -> NDArray[np.int64]:
        """The moments by which the task keeps step with others."""
        task = self._task
        assert isinstance(task, Paced), f"task '{self._spec.name}' has no moments"
        return await self._run(lambda: task.moments(batch.topic, batch.records))

    async def collect(self, work: Work = NOTHING) -> tuple[Transaction, Taken] | None:
        """Pass work to the task, then collect everything since the last call for one transaction; None if it is empty.

        The task continues meanwhile: later output belongs to the next transaction.
        """
        done = await self._done(work, concludes=True)
        rows = done.rows
        if not (rows or self._produced or self._input_count):
            return None
        if self._needs_format:
            rows.append(format_row(self._spec.state_format))
            self._needs_format = False
        collected = Transaction(self._produced, rows, {**self._positions}, self._input_count, self._number)
        taken = self._measuring.take(self._produced, done.measures)
        self._produced, self._produced_count, self._input_count = [], 0, 0
        return collected, taken

    async def commit(self, collected: Transaction, taken: Taken) -> None:
        """Write a transaction; after a failure this task is unusable.

        Raises what TransactionalWriter.transact raises.
        """
        started_s = time.perf_counter()
        await self._writer.transact(collected)
        self._context.observer.committed(
            self._spec.name,
            self._number,
            seconds=time.perf_counter() - started_s,
            records=collected.input_count,
            outputs=record_count(collected.produced),
            rows=record_count(collected.rows),
        )
        self._measuring.tell(taken)

    @property
    def is_unsettled(self) -> bool:
        """Whether ``settle`` has work to do."""
        return self._writer.is_unsettled

    async def settle(self) -> None:
        """Make sure that the last commit is visible; raises as ``commit`` does."""
        await self._writer.settle()

    async def seek_again(self) -> None:
        """Seek to the task's positions; batches in flight have been dropped."""
        self.seek = await self._context.feed.seek(self._positions)

    async def discard(self) -> None:
        """Release the producer in bounded time; uncommitted work is left to the next owner."""
        await self._writer.discard()

    async def _begin(self, restored: Restored) -> None:
        context, spec = self._context, self._spec
        refuse_other_division(spec, self._number, restored.position)
        self._needs_format = not restored.has_format
        row_count = len(restored.rows)
        if row_count:
            await spec.until_restorable()
        _guarded(lambda: self._task.restore(self._followed(restored, row_count)))
        _guarded(lambda: self._measuring.begin(self._task))
        self._positions = await self._starts(restored.position)
        position = restored.position or Position()
        self._writer.begin_at(position.resuming_at({tp.topic: offset for tp, offset in self._positions.items()}))
        self.seek = await context.feed.seek(self._positions)
        context.observer.restored(
            spec.name, self._number, rows=row_count, bytes_read=restored.bytes_read, seconds=restored.seconds
        )

    async def _starts(self, position: Position | None) -> dict[TopicPartition, int]:
        """Start offsets: those of the state; the group's offsets are used only for state without a position."""
        feed, known = self._context.feed, {} if position is None else position.starts
        committed = await self._writer.committed(self._inputs)
        starts = {}
        for tp, (earliest, end) in (await feed.bounds(self._inputs)).items():
            offset = known.get(tp.topic)
            if offset is None:
                if tp not in committed:
                    raise ReopenNeeded(f"the group's offset of {tp.topic}-{tp.partition} is not stable yet")
                offset = committed[tp]
            elif (committed.get(tp, offset) or 0) != offset:  # none yet is the beginning
                self._tell_difference(tp, offset, committed[tp])
            starts[tp] = self._possible(tp, offset, earliest, end)
        return starts

    def _tell_difference(self, tp: TopicPartition, position: int, committed: int | None) -> None:
        tell = self._context.observer.positions_differ
        tell(self._spec.name, self._number, tp.topic, position=position, committed=committed)

    def _possible(self, tp: TopicPartition, offset: int | None, earliest: int, end: int) -> int:
        """The offset, or the earliest one if it is unknown or deleted; raises InputAnewError."""
        if offset is None:
            return earliest
        if offset > end:
            raise InputAnewError(
                f"task '{self._spec.name}' has processed {tp.topic}-{tp.partition} up to offset {offset}, but it ends "
                f"at {end}: the topic was deleted and recreated, or has lost its newest records. Give the topic "
                "its records back, or start over with another group and empty state topics"
            )
        if offset < earliest:
            lost = earliest - offset
            self._context.observer.input_lost(self._spec.name, self._number, tp.topic, records=lost)
        return max(offset, earliest)

    def _followed(self, restored: Restored, row_count: int) -> Iterator[StateRow]:
        """Yield the rows, and report progress about once a second."""
        told_s = time.monotonic()
        for number, row in enumerate(restored.consume_rows()):
            if time.monotonic() - told_s >= PROGRESS_S:
                told_s = time.monotonic()
                self._context.observer.taking_up(self._spec.name, self._number, rows=number, rows_all=row_count)
            yield row

    def _restoring(self, rows: int, bytes_read: int) -> None:
        self._context.observer.restoring(self._spec.name, self._number, rows=rows, bytes_read=bytes_read)

    async def _done(self, work: Work, *, concludes: bool) -> Done:
        """Let the task do this work, in one call: each waits for a thread and, with ``take_turns``, for its turn."""
        task = self._task
        done = await self._run(lambda: do(task, work, self._context.clock_ms, concludes=concludes))
        self._produced.extend(done.produced)
        self._produced_count += record_count(done.produced)
        for batch, seconds in zip(work.batches, done.seconds, strict=True):
            self._positions[TopicPartition(batch.topic, batch.partition)] = int(batch.records.offsets[-1]) + 1
            count = len(batch.records)
            self._input_count += count
            self._measuring.note(batch.records.clock_ms)
            self._context.observer.processed(self._spec.name, self._number, batch.topic, records=count, seconds=seconds)
        return done

    async def _run(self, call: Callable[[], _T]) -> _T:
        """Run the task's own code, in a thread if it asks for it; one call at a time, because each is awaited."""
        if not self._spec.in_thread:
            return _guarded(call)
        async with self._context.turns if self._spec.take_turns else nullcontext():
            return await asyncio.to_thread(_guarded, call)


def refuse_other_division(spec: TaskSpec, number: int, position: Position | None) -> None:
    """Refuse state that was divided for another number of partitions; raises PartitionsDifferError.

    >>> spec = TaskSpec(name="sums", inputs=("left",), state_topic="state", make=lambda number: ..., partition_count=4)
    >>> refuse_other_division(spec, 2, Position())
    >>> try:
    ...     refuse_other_division(spec, 2, Position(partition_count=12))
    ... except PartitionsDifferError as error:
    ...     print(str(error).split(":")[0])
    the state of sums-2 is divided for 12 partitions, this worker is set up for 4
    """
    divided = 0 if position is None else position.partition_count
    if divided and spec.partition_count and divided != spec.partition_count:
        raise PartitionsDifferError(
            f"the state of {spec.name}-{number} is divided for {divided} partitions, this worker is set up for "
            f"{spec.partition_count}: set it up for {divided}"
        )


def _guarded(call: Callable[[], _T]) -> _T:
    """Run the task's own code; wraps its exceptions to distinguish them from the broker's."""
    try:
        return call()
    except Exception as error:
        raise TaskFailed(error) from error
