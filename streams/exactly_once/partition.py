"""One partition of one task that this worker owns: opens, feeds, commits, and opens it anew when needed.

Theory of operation. States and what leads from one to the next:

    OPENING ──opened──► OPEN ──commit failed──► BROKEN ──reopens──► OPENING
       │                  │                        │
       └──────────────────┴─────────close──────────┴──► CLOSED

Everything that touches the task happens under one lock, so a batch is never half in a transaction. A batch
counts only when the partition is OPEN and the batch was fetched after the seek with which it opened: all else
will be fetched again. Opening proves membership to the group's coordinator before it fences anyone: a worker
that was asleep learns that it lost its partitions instead of taking them back.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from enum import Enum, auto

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.exactly_once.batch import Batch
from streams.exactly_once.errors import DriverError, ReopenNeeded, TaskFailed
from streams.exactly_once.opened import OpenTask
from streams.exactly_once.surroundings import Surroundings
from streams.exactly_once.task import Record, TaskSpec


class State(Enum):
    """What a partition is doing."""

    OPENING = auto()
    OPEN = auto()
    BROKEN = auto()
    CLOSED = auto()


class OwnedPartition:
    """Runs one task from assignment to revocation."""

    def __init__(self, spec: TaskSpec, number: int, around: Surroundings) -> None:
        self.spec = spec
        self.number = number
        self.tps = [TopicPartition(topic, number) for topic in spec.inputs]
        self.state = State.OPENING
        self._around = around
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._announced: list[tuple[str, Sequence[Record]]] = []
        self._opened: OpenTask | None = None
        self._living: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether its task takes batches."""
        return self.state is State.OPEN

    def start(self) -> None:
        """Begin to open."""
        loop = asyncio.get_running_loop()
        self._living = loop.create_task(self._live(), name=f"{self.spec.name}-{self.number}")

    def announce(self, topic: str, records: Sequence[Record]) -> None:
        """Keep records of a broadcast topic for the next moment between two batches."""
        if self.is_open and topic in self.spec.broadcasts:
            self._announced.append((topic, records))
            self._wake.set()

    async def deliver(self, batch: Batch) -> None:
        """Process a batch, unless it will be fetched again anyway."""
        async with self._lock:
            opened = self._open_now()
            if opened is None or batch.seek != opened.seek:
                return
            try:
                self._pass_on_announced(opened)
                opened.process(batch)
                if opened.held_count >= self._around.settings.commit_max_records:
                    await opened.commit()
            except ReopenNeeded as reason:
                self._break(reason)
            except (TaskFailed, DriverError) as error:
                self._fail(error)

    async def close(self, timeout_s: float) -> None:
        """Commit what is open, if that succeeds in time, and let go."""
        try:
            async with asyncio.timeout(timeout_s), self._lock:
                if opened := self._open_now():
                    await opened.commit()
        except TimeoutError:
            self._report(ReopenNeeded("the last transaction did not commit in time"))
        except ReopenNeeded as reason:
            self._report(reason)
        except Exception as error:  # noqa: BLE001  the worker must get to close its other partitions
            self._around.fail(_cause(error))
        self.state = State.CLOSED
        if self._living is not None:
            self._living.cancel()
            await asyncio.wait([self._living])
        await self._let_go()

    async def _live(self) -> None:
        try:
            while self.state is not State.CLOSED:
                try:
                    await self._open()
                except (ReopenNeeded, KafkaError, OSError) as reason:
                    self._around.observer.not_opened(
                        self.spec.name, self.number, reason=str(reason) or repr(reason)
                    )
                else:
                    await self._serve_until_broken()
                await self._let_go()
                await asyncio.sleep(self._around.settings.reopen_backoff_ms / 1000)
        except Exception as error:  # noqa: BLE001  whatever it is, it must stop the driver
            self._fail(error)

    async def _open(self) -> None:
        around = self._around
        self.state = State.OPENING
        await around.broadcasts.caught_up.wait()
        if not await around.feed.is_member():
            raise ReopenNeeded("the group's coordinator does not confirm our membership")
        self._opened = await OpenTask.open(self.spec, self.number, around)
        # no await from here on: nothing may be announced between the newest records and what follows them
        self._announced = [(topic, around.broadcasts.newest(topic)) for topic in self.spec.broadcasts]
        self.state = State.OPEN

    async def _serve_until_broken(self) -> None:
        try:
            await self._serve()
        except ReopenNeeded as reason:
            self._break(reason)

    async def _serve(self) -> None:
        """Tick and commit on time while OPEN."""
        commit_s, tick_s = self._around.settings.commit_interval_ms / 1000, self.spec.tick_interval_ms / 1000
        next_commit_s = next_tick_s = time.monotonic()
        while True:
            await self._sleep_until(min(next_commit_s, next_tick_s))
            async with self._lock:
                opened = self._open_now()
                if opened is None:
                    return
                self._pass_on_announced(opened)
                now_s = time.monotonic()
                if now_s >= next_tick_s:
                    opened.tick()
                    next_tick_s = now_s + tick_s
                if now_s >= next_commit_s:
                    await opened.commit()
                    next_commit_s = now_s + commit_s

    async def _sleep_until(self, deadline_s: float) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, deadline_s - time.monotonic())):
                await self._wake.wait()

    def _open_now(self) -> OpenTask | None:
        return self._opened if self.is_open else None

    def _pass_on_announced(self, opened: OpenTask) -> None:
        announced, self._announced = self._announced, []
        for topic, records in announced:
            if records:
                opened.broadcast(topic, records)

    def _break(self, reason: ReopenNeeded) -> None:
        if self.state is not State.CLOSED:
            self.state = State.BROKEN
            self._wake.set()
        self._report(reason)

    def _report(self, reason: ReopenNeeded) -> None:
        if reason.fenced:
            self._around.observer.fenced(self.spec.name, self.number)
        self._around.observer.aborted(self.spec.name, self.number, reason=str(reason))

    def _fail(self, error: Exception) -> None:
        self.state = State.CLOSED
        self._around.fail(_cause(error))

    async def _let_go(self) -> None:
        self._announced = []
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.discard()


def _cause(error: Exception) -> Exception:
    return error.cause if isinstance(error, TaskFailed) else error
