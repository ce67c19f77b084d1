"""Carries out a schedule on brokers and workers."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from streams.benchmarks.storm.fault_burst import begin_burst
from streams.benchmarks.storm.schedule import Act, ActKind
from streams.benchmarks.storm.storm_workers import StormWorkers
from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness

LOOK_EVERY_S = 0.5


class Conductor:
    """Starts acts one after the other; longer ones overlap. At most one broker is down at a time."""

    def __init__(self, broker: KafkaHarness, workers: StormWorkers) -> None:
        self.done: Counter[str] = Counter()
        self._broker = broker
        self._workers = workers
        self._broker_away = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()

    async def play(self, acts: Sequence[Act], seconds: float) -> None:
        """Carry out all acts, wait for the longer ones, and return when the storm's time is over."""
        started_s = time.monotonic()
        for act in acts:
            await self._wait_until(started_s + act.at_s)
            self._begin(act)
        await self._wait_until(started_s + seconds)
        for task in list(self._under_way):
            await task

    async def _wait_until(self, moment_s: float) -> None:
        while (left_s := moment_s - time.monotonic()) > 0:
            self._workers.look()
            self._raise_failed()
            await asyncio.sleep(min(left_s, LOOK_EVERY_S))

    def _begin(self, act: Act) -> None:
        task = asyncio.create_task(self._do(act), name=act.kind)
        self._under_way.add(task)

    def _raise_failed(self) -> None:
        for task in [task for task in self._under_way if task.done()]:
            self._under_way.discard(task)
            task.result()

    async def _do(self, act: Act) -> None:
        if act.kind is ActKind.KILL_WORKER:
            await self._workers.kill(act.number)
        elif act.kind is ActKind.KILL_OPENING:
            await self._workers.kill_opening(act.number)
        elif act.kind is ActKind.FREEZE_WORKER:
            await self._workers.freeze(act.number, act.lasts_s)
        elif act.kind is ActKind.SCALE:
            await self._workers.scale(act.number)
        elif act.kind is ActKind.KILL_BROKER:
            await self._kill_broker(act)
        else:
            await self._misbehave(act.lasts_s)
        self.done[act.kind.value] += 1

    async def _kill_broker(self, act: Act) -> None:
        async with self._broker_away:
            nodes = sorted(self._broker.status())
            node = nodes[act.number % len(nodes)]
            await asyncio.to_thread(self._broker.kill, node)
            await asyncio.sleep(act.lasts_s)
            await asyncio.to_thread(self._broker.restart, node)

    async def _misbehave(self, seconds: float) -> None:
        assert isinstance(self._broker, EmbeddedKafka), "only the embedded broker supports fault injection"
        async with self._broker_away:  # a broker that is down has no faults; it may go down meanwhile
            faults = self._broker.faults
        begin_burst(faults)
        await asyncio.sleep(seconds)
        faults.clear()
