"""The workers of a storm: processes that are killed, frozen, started and stopped, and must not end by themselves."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random

import orjson

from streams.worker_process import WorkerProcess

STOP_S, ALIVE_AGAIN_S = 60.0, 5.0
OPENING_S, LOOK_S, OPENING_TAKES_S = 15.0, 0.02, 0.6
LEFT = {0, -signal.SIGKILL, -signal.SIGTERM}
"""Expected exit statuses; SIGTERM ends a worker that is still starting immediately."""
TOLD = ("restored", "aborted", "fenced", "not_opened", "revoked", "input_lost")


class StormWorkers:
    """Keeps the requested number of workers. A frozen worker does not count and is replaced.

    `deaths` are workers that ended by themselves, with their last log lines; there must be none.
    """

    def __init__(self, bootstrap: str, folder: Path, environment: Mapping[str, str], seed: int) -> None:
        self.deaths: list[str] = []
        self.kills = self.freezes = self.thaws = self.polite_stops = 0
        self._bootstrap = bootstrap
        self._folder = folder
        self._environment = {**environment, "SHELFWISE_LOG_FORMAT": "json"}
        self._random = Random(seed)  # noqa: S311  as in the schedule
        self._workers: list[WorkerProcess] = []
        self._frozen: list[WorkerProcess] = []
        self._started = 0

    async def scale(self, count: int) -> None:
        """Start workers, or stop the oldest ones with SIGTERM."""
        while len(self._workers) < count:
            self._workers.append(self._start())
        leaving = [self._workers.pop(0) for _ in range(len(self._workers) - count)]
        await asyncio.gather(*(self._stop(worker) for worker in leaving))

    async def kill(self, number: int) -> None:
        """Kill one worker, and start a replacement after up to a second."""
        if not self._workers:
            return
        place = number % len(self._workers)
        victim = self._workers[place]
        _send(victim, signal.SIGKILL)
        await asyncio.to_thread(_wait, victim)
        self.kills += 1
        await asyncio.sleep(self._random.uniform(0.0, 1.0))
        if victim in self._workers:  # the scale may have changed meanwhile
            self._workers[self._workers.index(victim)] = self._start()

    async def kill_opening(self, number: int) -> None:
        """Kill a worker; then the first that is assigned partitions afterwards, while it takes them over."""
        marks = {worker: _size(worker) for worker in self._workers}
        await self.kill(number)
        until_s = time.monotonic() + OPENING_S
        while time.monotonic() < until_s:
            for place, worker in enumerate(self._workers):
                if _was_assigned(worker, marks.get(worker, 0)):
                    await asyncio.sleep(self._random.uniform(0.0, OPENING_TAKES_S))
                    await self.kill(place)
                    return
            await asyncio.sleep(LOOK_S)

    async def freeze(self, number: int, seconds: float) -> None:
        """Freeze one worker for a while, with a replacement; then resume it, and stop it."""
        if not self._workers:
            return
        zombie = self._workers[number % len(self._workers)]
        self._workers[self._workers.index(zombie)] = self._start()
        self._frozen.append(zombie)
        _send(zombie, signal.SIGSTOP)
        self.freezes += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            _send(zombie, signal.SIGCONT)
            self.thaws += 1
        await asyncio.sleep(ALIVE_AGAIN_S)  # it must notice that its partitions have another owner
        self._frozen.remove(zombie)
        await self._stop(zombie)

    def look(self) -> None:
        """Count workers that ended by themselves, and replace them."""
        for place, worker in enumerate(self._workers):
            if worker.process is not None and worker.process.poll() is not None and worker.process.returncode >= 0:
                self._mourn(worker)
                self._workers[place] = self._start()

    async def end(self) -> None:
        """Stop all with SIGTERM."""
        self.look()
        await self.scale(0)

    def end_at_once(self) -> None:
        """Kill all remaining processes."""
        for worker in (*self._workers, *self._frozen):
            _send(worker, signal.SIGKILL)
            _wait(worker)

    def told(self) -> dict[str, int]:
        """Number of log lines of the workers by event."""
        counted: Counter[str] = Counter(dict.fromkeys(TOLD, 0))
        for log in self._folder.glob("worker-*.log"):
            for line in log.read_bytes().splitlines():
                for name in TOLD:
                    counted[name] += b'"event": "%b"' % name.encode() in line
        return dict(counted)

    def reasons(self) -> dict[str, int]:
        """Reasons why tasks were reopened, most frequent first."""
        counted: Counter[str] = Counter()
        for log in self._folder.glob("worker-*.log"):
            for line in log.read_bytes().splitlines():
                if b'"event": "aborted"' in line or b'"event": "not_opened"' in line:
                    counted[orjson.loads(line)["reason"][:160]] += 1
        return dict(counted.most_common(20))

    def _start(self) -> WorkerProcess:
        self._started += 1
        log = self._folder / f"worker-{self._started}.log"
        return WorkerProcess(self._bootstrap, self._environment, log).__enter__()

    async def _stop(self, worker: WorkerProcess) -> None:
        _send(worker, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await asyncio.to_thread(_wait, worker)
        except TimeoutError:
            self.deaths.append(f"{worker.log.name} did not stop within {STOP_S:.0f} s")
            _send(worker, signal.SIGKILL)
        self.polite_stops += 1
        if worker.process is not None and worker.process.returncode not in LEFT:
            self._mourn(worker)

    def _mourn(self, worker: WorkerProcess) -> None:
        assert worker.process is not None
        last = worker.log.read_text(errors="replace").splitlines()[-3:]
        self.deaths.append(f"{worker.log.name} ended with status {worker.process.returncode}: {' | '.join(last)}")


def _size(worker: WorkerProcess) -> int:
    return worker.log.stat().st_size if worker.log.exists() else 0


def _was_assigned(worker: WorkerProcess, since: int) -> bool:
    """Whether its log contains this after an offset."""
    with worker.log.open("rb") as log:
        log.seek(since)
        return b'"event": "assigned"' in log.read()


def _send(worker: WorkerProcess, number: signal.Signals) -> None:
    if worker.process is not None and worker.process.poll() is None:
        worker.process.send_signal(number)


def _wait(worker: WorkerProcess) -> None:
    if worker.process is not None:
        worker.process.wait()
