"""`bench growing`: `topics grow` under traffic, killed in the middle and run again, and the final audit."""

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import orjson
from kafka import KafkaConsumer, TopicPartition
from msgspec import Struct

from schemas.codec import encode
from schemas.impressions import Impression, ShownShelf
from streams.audit_rules import audit_rules
from streams.auditing.audit import audit
from streams.auditing.findings import Audit
from streams.benchmarks.bench_brokers import Backend, harness_of
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from streams.benchmarks.raw_filling import fill_raw
from streams.benchmarks.storm.feeding import Feeder
from streams.benchmarks.storm.storm_workers import StormWorkers
from streams.exactly_once.records.produced import Produced
from streams.forgetting.doing import LISTENERS
from streams.harness.interface import KafkaHarness
from streams.settings import Settings, load
from streams.topics.admin import ensure

USERS, WORKERS, RATE = 2_000, 2, 150
PHASE_S, DEADLINE_S, LOOK_S = 20.0, 900.0, 1.0
AUDITED_MAX = 200_000
SETTLEMENT = {"horizon_ms": 300_000, "attribution_ms": 300_000}
"""Short, so that cards have statistics when it grows."""
ENVIRONMENT = {
    **{f"SHELFWISE_SETTLEMENT__{name.upper()}": str(length_ms) for name, length_ms in SETTLEMENT.items()},
    "SHELFWISE_SESSION_TIMEOUT_MS": "6000",
    "SHELFWISE_SETTLEMENT__IDLE_MS": "60000",
    "SHELFWISE_COCLUSTERS__WARMUP_EVENTS": "2000",
    "SHELFWISE_START_DEADLINE_MS": "120000",
}
Say = Callable[[str], None]


class GrowingSettings(Struct, frozen=True, kw_only=True):
    """What to grow, with how many listeners beside those of the traffic.

    `kill_after_s` counts from the moment in which the first topic has grown; None: no kill.
    """

    nodes: int = 3
    before: int = 4
    after: int = 12
    listeners: int = 10_000
    kill_after_s: float | None = 4.0
    seed: int = 0


def bench_growing(growing: GrowingSettings, backend: Backend, say: Say) -> dict[str, Any]:
    """Play it once; `passed` if the audit holds and no worker died by itself."""
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-growing-"))
    try:
        with harness_of(backend, nodes=growing.nodes, data_dir=f"{folder}/broker") as broker:
            return asyncio.run(_Run(growing, broker, folder, say).play())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Run:
    def __init__(self, growing: GrowingSettings, broker: KafkaHarness, folder: Path, say: Say) -> None:
        self._growing, self._broker, self._folder, self._say = growing, broker, folder, say
        self._workers: list[StormWorkers] = []
        self._killed = False
        self._cpu_s = 0.0  # of all runs of the command

    async def play(self) -> dict[str, Any]:
        """Traffic, growth with a kill, traffic of clients old and new, audit."""
        growing, old = self._growing, self._settings(self._growing.before)
        await asyncio.to_thread(ensure, old, self._broker.bootstrap)
        traffic = Traffic(TrafficSettings(seed=growing.seed, users=USERS))
        knows_old = Feeder(self._broker.bootstrap, old, patience_ms=60_000)
        await knows_old.catalogue(traffic.catalogue)
        events = traffic.events(int(RATE * 6 * PHASE_S))
        try:
            workers = await self._started(growing.before)
            filling_s = await self._fill(knows_old)
            feeding = asyncio.create_task(knows_old.feed(events, RATE))  # its producer looks for partitions rarely
            await asyncio.sleep(PHASE_S)
            await workers.end()
            self._say("workers stopped, clients go on")
            grown, grow_s = await asyncio.to_thread(self._grow)
            workers = await self._started(growing.after)
            knows_new = Feeder(self._broker.bootstrap, self._settings(growing.after), patience_ms=60_000)
            await asyncio.gather(feeding, knows_new.feed(events, RATE))
            knows_new.newest_ms = max(knows_new.newest_ms, knows_old.newest_ms)
            await knows_new.close_books()
            found = await self._audited()
            await workers.end()
        finally:
            for each in self._workers:
                each.end_at_once()
        return self._told(grown, grow_s, filling_s, found, knows_old.published + knows_new.published)

    def _settings(self, partitions: int) -> Settings:
        flags = {"replication_factor": self._growing.nodes, "log_level": "warning", "page_partitions": partitions}
        return load(None, {**flags, "settlement": {**SETTLEMENT, "idle_ms": 60_000}})

    async def _started(self, partitions: int) -> StormWorkers:
        environment = {**ENVIRONMENT, "SHELFWISE_PAGE_PARTITIONS": str(partitions)}
        folder = self._folder / f"workers-{partitions}"
        folder.mkdir()
        self._workers.append(StormWorkers(self._broker.bootstrap, folder, environment, self._growing.seed))
        await self._workers[-1].scale(WORKERS)
        return self._workers[-1]

    async def _fill(self, feeder: Feeder) -> float:
        """Give every listener a page, and wait until all have state; returns the duration."""
        started_s = time.monotonic()
        feeder.newest_ms = int(time.time() * 1_000) - 25 * 3_600_000
        await fill_raw(self._broker.bootstrap, _pages(self._growing.listeners, feeder.newest_ms))
        self._say(f"{self._growing.listeners:,} listeners written")
        while (count := await asyncio.to_thread(self._listeners_with_state)) < self._growing.listeners:
            self._say(f"{count:,} listeners have state")
            await asyncio.sleep(LOOK_S)
        return time.monotonic() - started_s

    def _listeners_with_state(self) -> int:
        """Records of state: at least one for each listener and page."""
        with closing(KafkaConsumer(bootstrap_servers=self._broker.bootstrap)) as consumer:
            places = [TopicPartition(LISTENERS, number) for number in range(self._growing.before)]
            return int(sum(consumer.end_offsets(places).values()) // 2)

    def _await_first_topic(self) -> None:
        with closing(KafkaConsumer(bootstrap_servers=self._broker.bootstrap, metadata_max_age_ms=100)) as consumer:
            while len(consumer.partitions_for_topic(LISTENERS) or ()) < self._growing.after:
                consumer.topics()  # asks a broker
                time.sleep(0.05)

    def _grow(self) -> tuple[dict[str, Any], list[float]]:
        """Run the command, once killed and once to its end; returns what it says, and the seconds of each run."""
        seconds = []
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [
            *(sys.executable, "-m", "streams.cli.main", "topics", "grow", "--broker", self._broker.bootstrap),
            *("--page-partitions", str(self._growing.after), "--json"),
        ]
        environment = {**os.environ, "SHELFWISE_LOG_LEVEL": "warning", **ENVIRONMENT}
        for kill_after_s in (self._growing.kill_after_s, None):
            started_s = time.monotonic()
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)  # noqa: S603  our own command
            if kill_after_s is not None:
                self._await_first_topic()
            try:
                said, _ = process.communicate(timeout=kill_after_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                said, self._killed = process.communicate()[0], True
            seconds.append(round(time.monotonic() - started_s, 1))
            self._say(f"topics grow ended with status {process.returncode} after {seconds[-1]} s")
            if process.returncode == 0:
                used = resource.getrusage(resource.RUSAGE_CHILDREN)
                self._cpu_s = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
                return orjson.loads(said), seconds
        return {}, seconds

    async def _audited(self) -> Audit | None:
        """Audit until it holds; None if there are too many listeners for the memory of an audit."""
        if self._growing.listeners > AUDITED_MAX:
            return None
        rules, deadline_s = audit_rules(self._settings(self._growing.after)), time.monotonic() + DEADLINE_S
        while True:
            found = await audit(self._broker.bootstrap, rules)
            if (found.holds and not found.open) or time.monotonic() > deadline_s:
                return found
            self._say(f"not yet: {found.open} open, {sum(found.violations.values())} violations")
            await asyncio.sleep(LOOK_S)

    def _told(
        self, grown: dict[str, Any], grow_s: list[float], filling_s: float, found: Audit | None, events: int
    ) -> dict[str, Any]:
        deaths = [death for workers in self._workers for death in workers.deaths]
        holds = found is None or (found.holds and not found.open)
        return {
            "benchmark": "growing",
            "passed": bool(grown) and holds and not deaths,
            "settings": msgspec.to_builtins(self._growing),
            "killed": self._killed,
            "grow_s": grow_s,
            "grow_cpu_s": round(self._cpu_s, 1),
            "grown": grown,
            "filling_s": round(filling_s, 1),
            "events": events,
            "worker_deaths": deaths,
            "audit": None if found is None else msgspec.to_builtins(found),
        }


def _pages(listeners: int, event_ms: int) -> Iterator[Produced]:
    shelf = ShownShelf(
        shelf_id="shelf-1", cards=("card-1", "card-2", "card-3"), propensities=(1.0,) * 3, seen=(0, 1, 2)
    )
    for number in range(listeners):
        user_id = f"settled-{number}"
        page = Impression(event_id="page", user_id=user_id, event_ms=event_ms, shelves=(shelf,))
        yield Produced("impressions", user_id.encode(), encode(page), timestamp_ms=event_ms)
