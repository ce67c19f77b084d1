"""Progress of a worker: counts commits, and detects when nothing is left to do."""

import os
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable

from typing_extensions import override

from streams.exactly_once.observer import Observer

QUIET_LOOKS = 20
STILL_LOOKS = 200
"""Time without progress after which the job ends in any case: a commit with a lost response is not counted."""


class Progress(Observer):
    """Measures a worker from its first input to the commit of the last output.

    `wanted` inputs of the listeners task are to be committed; the job is done when there is no progress at several
    looks in a row after that (a time that is not counted), or after `seconds_max`.
    """

    def __init__(self, wanted: int, seconds_max: float, on_first: Callable[[], None]) -> None:
        self.records: Counter[str] = Counter()
        self.task_s: dict[str, float] = defaultdict(float)
        self.outputs = self.rows = self.commits = self.aborts = 0
        self.commit_s = 0.0
        self._wanted = wanted
        self._seconds_max = seconds_max
        self._on_first = on_first
        self._moves = self._moves_seen = self._quiet_looks = 0
        self._first_s = self._last_s = 0.0
        self._first_cpu_s = self._last_cpu_s = 0.0

    @property
    def seconds(self) -> float:
        """From the first input's arrival to the last commit."""
        return self._last_s - self._first_s

    @property
    def cpu_seconds(self) -> float:
        """Processor time of this process over the same span."""
        return self._last_cpu_s - self._first_cpu_s

    def look(self) -> bool:
        """Whether everything is done, or time is up; called at intervals, on the driver's event loop.

        Looks are counted instead of seconds, because a long computation of a task prevents them.
        """
        if not self._first_s:
            return False
        self._quiet_looks = self._quiet_looks + 1 if self._moves == self._moves_seen else 0
        self._moves_seen = self._moves
        all_in = self.records["listeners"] >= self._wanted and self._quiet_looks >= QUIET_LOOKS
        return all_in or self._quiet_looks >= STILL_LOOKS or time.perf_counter() - self._first_s > self._seconds_max

    @override
    def processed(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        self.task_s[task] += seconds
        self._moves += 1
        if not self._first_s:
            self._first_s = time.perf_counter() - seconds
            self._first_cpu_s = time.process_time() - seconds
            self._on_first()

    @override
    def committed(self, task: str, partition: int, *, seconds: float, records: int, outputs: int, rows: int) -> None:
        self.outputs += outputs
        self.rows += rows
        self.commits += 1
        self.commit_s += seconds
        if records:
            self._moves += 1
            self.records[task] += records
            self._last_s, self._last_cpu_s = time.perf_counter(), time.process_time()

    @override
    def aborted(self, task: str, partition: int, *, reason: str) -> None:
        self.aborts += 1


def stop_this_process() -> None:
    """Stop the worker of this process with SIGTERM, as an operator would."""
    os.kill(os.getpid(), signal.SIGTERM)
