"""The machine code of a worker: compiled by child processes if missing, loaded here, and awaited by tasks."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress

import structlog

from processors.machine_code.keeping import Happening, unwatch, watch
from processors.machine_code.places import writing_place
from processors.warm_up.stages import Moment, Stage
from streams.compiling.compile_processes import CompileProcesses, OnEvent
from streams.compiling.compile_stages import stages_of
from streams.compiling.inventory import missing_entries, work_of
from streams.exactly_once.cancelling import ended
from streams.readiness import Readiness

STAGE_OF_READINESS = "machine code"
TELLING_SHARE = 0.05
"""Minimum share of work done before the remaining time is estimated."""

CREW_MAX = 4
"""Memory of a compiling process."""


class MachineCode:
    """Machine code for the tasks of one process; `run` it once, and let each task await `ready_for`.

    What `first` tasks need to open partitions is compiled before all else, with all processor time, longest first, so
    that cores finish at about the same time (Graham's LPT rule, 1969); then what they need to restore state. Without
    `loads` it only compiles, for other processes. `hire` creates child processes with other settings.
    """

    def __init__(
        self,
        tasks: Collection[str],
        first: Collection[str],
        readiness: Readiness,
        *,
        loads: bool = True,
        hire: Callable[[int, OnEvent], CompileProcesses] = CompileProcesses,
    ) -> None:
        self.readiness = readiness
        self._hire = hire
        needed = stages_of(tasks)
        urgent = {stage.name for stage in stages_of(first) if stage.moment is Moment.OPENING}
        self.stages = sorted(needed, key=lambda stage: (*_order(stage, first), -_work_left(stage)))
        self._urgent = urgent
        self._loads = loads
        self._loaded = {stage.name: asyncio.Event() for stage in self.stages}
        self._loading = asyncio.Lock()
        self._failure: BaseException | None = None
        self.missing = missing_entries(self.stages)
        self._done: dict[str, None] = {}
        self._started_s = time.monotonic()
        self._is_over = False
        self._loop: asyncio.AbstractEventLoop
        self._running: asyncio.Task[None] | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started_s

    def start(self) -> None:
        """Run in the background; an exception is raised to waiting tasks."""
        self._running = asyncio.create_task(self._run_for_others(), name="machine code")

    async def stop(self) -> None:
        """Stop compiling."""
        unwatch(self._hear)
        if self._running is not None:
            await ended(self._running)

    async def ready_for(self, *tasks: str) -> None:
        """Wait until these tasks can begin without state; raises the exception of `run`, if any."""
        await self._loaded_for(tasks, {Moment.OPENING})

    async def restorable(self, *tasks: str) -> None:
        """Wait until these tasks can restore state."""
        await self._loaded_for(tasks, {Moment.OPENING, Moment.RESTORING})

    async def complete(self) -> None:
        """Wait for all stages."""
        await self._loaded_for(frozenset().union(*(stage.tasks for stage in self.stages)), set(Moment))

    def is_loaded(self, stage: str) -> bool:
        """Whether a stage can be called without compiling anything."""
        return self._loaded[stage].is_set()

    async def _loaded_for(self, tasks: Collection[str], moments: Collection[Moment]) -> None:
        for stage in self.stages:
            if stage.tasks & set(tasks) and stage.moment in moments:
                await self._loaded[stage.name].wait()
        if self._failure is not None:
            raise self._failure

    async def run(self) -> None:
        """Compile and load everything."""
        self._loop, self._started_s = asyncio.get_running_loop(), time.monotonic()
        self._note()
        watch(self._hear)
        waiting = [stage for stage in self.stages if missing_entries([stage])]
        is_worth_it = len(waiting) > 1 or not self._loads  # one stage is compiled here while processes start
        size = min(_cores(), CREW_MAX) if is_worth_it and writing_place() else 0
        async with self._hire(size, self._told) as processes, asyncio.TaskGroup() as group:
            for stage in self.stages:
                group.create_task(self._prepare(stage, processes if size and stage in waiting else None))
        self._is_over = self._loads
        self.readiness.finish(STAGE_OF_READINESS)

    async def _run_for_others(self) -> None:
        try:
            await self.run()
        except Exception as error:  # noqa: BLE001  raised to waiting tasks
            self._failure = error
            for loaded in self._loaded.values():
                loaded.set()

    async def _prepare(self, stage: Stage, processes: CompileProcesses | None) -> None:
        if processes is not None:
            await processes.compile(stage.name, is_behind=stage.name not in self._urgent)
        if self._loads:
            async with self._loading:
                await _beside(stage.run)
        self._loaded[stage.name].set()

    def _hear(self, what: Happening, entry: str) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._told, what, entry)

    def _told(self, what: str | Happening, entry: str) -> None:
        if what == "compiling" and self._is_over:  # nothing should wait for a compiler any more
            structlog.get_logger("shelfwise.worker").warning("compiling_late", function=entry)
        if what == "compiled" and entry in self.missing:
            self._done[entry] = None
            self._note()

    def _note(self) -> None:
        done, everything = work_of(self._done), work_of(self.missing)
        left_s = self.elapsed_s * (everything - done) / done if done > TELLING_SHARE * everything else None
        self.readiness.note(STAGE_OF_READINESS, done=len(self._done), total=len(self.missing), left_s=left_s)


def _order(stage: Stage, first: Collection[str]) -> tuple[bool, bool]:
    """Those of the first tasks, then those of others; in both, what may be later comes last."""
    return not stage.tasks & set(first), stage.moment is not Moment.OPENING


def _work_left(stage: Stage) -> int:
    return work_of(missing_entries([stage]))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _beside(run: Callable[[], None]) -> None:
    """Run it in a daemon thread, because a compiler cannot be interrupted."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def work() -> None:
        error: BaseException | None = None
        try:
            run()
        except BaseException as raised:  # noqa: BLE001  raised to waiting tasks
            error = raised
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=work, name="loading machine code", daemon=True).start()
    await done
