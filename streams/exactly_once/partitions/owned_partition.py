"""One partition of one task that this worker owns: opens, feeds, commits and reopens the task.

Theory of operation. States and transitions:

    OPENING ──opened──► OPEN ──commit failed──► BROKEN ──reopens──► OPENING
                        │  ▲
               suspended▼  │still ours
                      SUSPENDED
    any ──close──► CLOSED

A rebalance revokes all partitions of all members and assigns most of them again. A revoked partition is therefore only
suspended: committed, and kept. If it is assigned again, it continues without a restore. This is safe without further
checks: if another worker had opened it meanwhile, the next transaction would be refused, and the task reopened.

One coroutine performs all calls of the task, so a batch is never split between transactions. The task continues while a
transaction is being written; its output then belongs to the next one. A failed transaction invalidates everything
since: the task is discarded and reopened from its log. A batch is accepted only if the partition is OPEN and the batch
was fetched after its last seek; all others will be fetched again. Nothing is fetched for a full inbox. Before it
fences, a worker confirms its membership with the group's coordinator: a worker that was suspended learns that it has
lost its partitions, instead of taking them back.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Collection, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from streams.exactly_once.cancelling import ended
from streams.exactly_once.errors import NOT_ALLOWED, ReopenNeeded, TaskFailed, not_allowed
from streams.exactly_once.partitions.alignment import Alignment
from streams.exactly_once.partitions.commit_interval import commit_interval_s
from streams.exactly_once.partitions.continuity import Continuity
from streams.exactly_once.partitions.lag import Lags
from streams.exactly_once.partitions.open_task import OpenTask
from streams.exactly_once.partitions.partition_state import State
from streams.exactly_once.partitions.pending_transaction import PendingTransaction
from streams.exactly_once.partitions.step import pace_in
from streams.exactly_once.partitions.work import Work
from streams.exactly_once.partitions.worker_context import WorkerContext
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import TaskSpec

INBOX_BATCHES_MAX = 4


class OwnedPartition:
    """Runs one task from assignment to revocation."""

    def __init__(self, spec: TaskSpec, number: int, context: WorkerContext) -> None:
        self.spec = spec
        self.number = number
        self.tps = [TopicPartition(topic, number) for topic in spec.inputs]
        self.state = State.OPENING
        self._context = context
        self._wake = asyncio.Event()
        self._pausing = False
        self._settled = asyncio.Event()  # suspended, or no longer open
        self._given_back = asyncio.Event()
        self._reopen_reason: str | None = None
        self._inbox: deque[Batch] = deque()
        self.read_ms = 0  # timestamp of the newest processed record
        self._announced: list[tuple[str, Sequence[Record]]] = []
        self._opened: OpenTask | None = None
        self._continuity = Continuity(self.tps)
        self._alignment = Alignment(self.tps)
        self._pace = pace_in(context.step, spec.step_slack_ms, self._is_read_up, self._wake.set)
        self._lags: Lags
        self._living: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start opening, unless it is closed already."""
        if self.state is State.CLOSED:
            return
        loop = asyncio.get_running_loop()
        self._living = loop.create_task(self._live(), name=f"{self.spec.name}-{self.number}")

    def announce(self, topic: str, records: Sequence[Record]) -> None:
        """Queue records of a broadcast topic until the current batch is done."""
        if self.state in {State.OPEN, State.SUSPENDED} and topic in self.spec.broadcasts:
            self._announced.append((topic, records))
            self._wake.set()

    def wanted(self) -> list[TopicPartition]:
        """The inputs from which to fetch."""
        if self.state is not State.OPEN or len(self._inbox) >= INBOX_BATCHES_MAX:
            return []
        return self._alignment.abreast(self._context.feed.is_read_up)

    def deliver(self, batch: Batch) -> None:
        """Accept a batch, unless it will be fetched again anyway."""
        if self.state is State.OPEN and self._opened is not None and batch.seek == self._opened.seek:
            if self._continuity.follows(batch):
                self._alignment.note(batch)
                self._inbox.append(batch)
                self._wake.set()
            else:
                self.reopen(f"a batch of {batch.topic}-{batch.partition} was lost on its way here")

    def reopen(self, reason: str) -> None:
        """Discard the task and reopen it."""
        self._reopen_reason = reason
        self._wake.set()

    async def suspend(self, timeout_s: float) -> bool:
        """Commit; returns whether the task can be resumed later, otherwise it must be closed."""
        if self.state is not State.OPEN:
            return False
        self._given_back.clear()
        self._pausing = True
        self._wake.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._settled.wait()
        except TimeoutError:
            self._report(ReopenNeeded("the last transaction did not commit in time"))
        return self._is(State.SUSPENDED)

    def resume(self) -> None:
        """Continue: the partition is still assigned."""
        self._pausing = False
        self._given_back.set()

    async def close(self) -> None:
        """Release at once; uncommitted work is left to the next owner."""
        self.state = State.CLOSED
        self._pace.leave()
        if self._living is not None:
            await ended(self._living)
            self.state = State.CLOSED  # it may have been opened meanwhile
        await self._let_go()

    async def _live(self) -> None:
        try:
            while True:
                try:
                    opened = await self._open()
                except NOT_ALLOWED as error:
                    raise not_allowed(error, f"open partition {self.number} of task '{self.spec.name}'") from error
                except (ReopenNeeded, KafkaError, ConsumerStoppedError, OSError) as reason:
                    self._context.observer.not_opened(self.spec.name, self.number, reason=str(reason) or repr(reason))
                else:
                    await self._serve_until_broken(opened)
                await self._let_go()
                await asyncio.sleep(self._context.settings.reopen_backoff_ms / 1000)
        except Exception as error:  # noqa: BLE001  any error must stop the driver
            self.state = State.CLOSED
            self._settled.set()
            self._context.fail(error.cause if isinstance(error, TaskFailed) else error)

    async def _open(self) -> OpenTask:
        self.state, context = State.OPENING, self._context
        await context.broadcasts.caught_up.wait()
        if not await context.feed.is_member():
            raise ReopenNeeded("the group's coordinator does not confirm our membership")
        async with context.restoring:
            opened = self._opened = await OpenTask.open(self.spec, self.number, context)
        # no await from here on: no record may be announced between the newest ones and their successors
        self._announced = [(topic, context.broadcasts.newest(topic)) for topic in self.spec.broadcasts]
        self._lags = Lags(self.tps, now_s=context.clock_ms() / 1_000)
        self._reopen_reason = None
        self._begin_reading(opened.seek)
        return opened

    def _begin_reading(self, seek: int) -> None:
        self._continuity.begin(seek)
        self._alignment.begin()
        self._pace.reset()
        self._settled.clear()
        self.state = State.OPEN

    async def _serve_until_broken(self, opened: OpenTask) -> None:
        pending = PendingTransaction(opened, self._wake)
        try:
            while True:
                await self._serve(opened, pending)
                await pending.finish()
                await self._wait_suspended(opened)
        except ReopenNeeded as reason:
            self.state = State.BROKEN
            self._report(reason)
        except (KafkaError, ConsumerStoppedError) as error:
            self.state = State.BROKEN
            self._report(ReopenNeeded(f"cannot seek: {error!r}"))
        finally:
            self._settled.set()
            await pending.cancel()

    async def _wait_suspended(self, opened: OpenTask) -> None:
        self.state = State.SUSPENDED
        self._inbox.clear()
        self._pace.reset()
        self._settled.set()
        await self._given_back.wait()
        await opened.seek_again()
        self._begin_reading(opened.seek)

    async def _serve(self, opened: OpenTask, pending: PendingTransaction) -> None:
        """Process, tick and commit on time until paused."""
        settings, tick_s = self._context.settings, self.spec.tick_interval_ms / 1000
        committed_s, next_tick_s = -math.inf, time.monotonic()
        while not self._pausing:
            is_full = opened.held_count >= settings.commit_max_records
            has_work = self._inbox and not (is_full or self._pace.is_held)
            due_s = committed_s + (0.0 if is_full else self._commit_interval_s(pending.took_s))
            await self._sleep_until(0.0 if has_work else next_tick_s if pending.is_writing else min(due_s, next_tick_s))
            pending.check()
            if self._reopen_reason is not None:
                raise ReopenNeeded(self._reopen_reason)
            work, now_s = Work(self._newly_announced(), await self._next_batches(opened)), time.monotonic()
            if now_s >= next_tick_s:
                work = work._replace(behind=self._behind())
                next_tick_s = now_s + tick_s
            if not pending.is_writing:
                self._pace.committed()
            if not pending.is_writing and (now_s >= due_s or self._pace.is_waited_for):
                committed_s = now_s
                self._pace.writing()
                await pending.begin(work)
            else:
                await opened.take(work)
            self._note(opened, work)

    def _commit_interval_s(self, took_s: float) -> float:
        age_ms, own_ms = self._context.clock_ms() - self.read_ms, self.spec.commit_interval_ms
        return commit_interval_s(self._context.settings, own_ms, took_s, age_ms, lambda: bool(self._behind()))

    async def _sleep_until(self, deadline_s: float) -> None:
        """Sleep until woken or until the deadline; always yields to the loop."""
        delay_s = deadline_s - time.monotonic()
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._wake.wait()

    def _behind(self) -> frozenset[str]:
        """Topics with unread records, here or at the broker, and topics not yet fetched from."""
        at_broker = {tp.topic for tp in self.tps if not self._context.feed.is_read_up(tp)}
        return frozenset(at_broker | {batch.topic for batch in self._inbox})

    def _newly_announced(self) -> list[tuple[str, Sequence[Record]]]:
        announced, self._announced = [it for it in self._announced if it[1]], []
        return announced

    def _note(self, opened: OpenTask, work: Work) -> None:
        for batch in work.batches:
            self.read_ms = int(batch.records.timestamps[-1])
            self._lags.processed(batch)
        if work.behind is not None:
            self._continuity.check(self._context.feed.fetched_count)
            self._tell_lag(opened, work.behind)
            self._pace.stir()

    def _tell_lag(self, opened: OpenTask, behind: Collection[str]) -> None:
        now_s = self._context.clock_ms() / 1_000
        self._lags.look(behind, now_s)
        context = self._context
        self._lags.tell(context.observer, self.spec.name, self.number, opened.positions, context.feed.end, now_s)

    def _is_read_up(self) -> bool:
        """Whether an open task has nothing to read, and nothing is on its way to it."""
        feed, is_open = self._context.feed, self._is(State.OPEN) and not self._inbox
        return is_open and all(map(feed.is_read_up, self.tps)) and self._continuity.has_all(feed.fetched_count)

    def _is(self, state: State) -> bool:
        return self.state is state

    async def _next_batches(self, opened: OpenTask) -> list[Batch]:
        """The batches to process now: on the event loop one at a time, because the others wait for the loop."""
        batches: list[Batch] = []
        room = self._context.settings.commit_max_records - opened.held_count
        while self._inbox and room > 0 and (self.spec.in_thread or not batches):
            if (batch := await self._pace.part(opened, self._inbox)) is None:
                break
            batches.append(batch)
            room -= len(batch.records)
        return batches

    def _report(self, reason: ReopenNeeded) -> None:
        if reason.fenced:
            self._context.observer.fenced(self.spec.name, self.number)
        self._context.observer.aborted(self.spec.name, self.number, reason=str(reason))

    async def _let_go(self) -> None:
        self._announced = []
        self._inbox.clear()
        if self._opened is not None:
            self._pace.reset()
            await self._opened.discard()
            self._opened = None
