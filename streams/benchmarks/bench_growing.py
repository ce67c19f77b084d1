"""`bench growing`: `topics grow` under traffic, killed in the middle and run again, and the final audit."""

import asyncio
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, takewhile
from pathlib import Path
from typing import Any

import msgspec
import orjson
from kafka import KafkaConsumer
from msgspec import Struct

from schemas.codec import encode
from schemas.impressions import Impression, ShownShelf
from streams.audit_rules import audit_rules
from streams.auditing.audit import audit
from streams.auditing.books import STATES
from streams.auditing.findings import Audit
from streams.benchmarks.bench_brokers import Backend, harness_of
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from streams.benchmarks.measured_command import Ended, run_measured
from streams.benchmarks.quiet import Quiet
from streams.benchmarks.raw_filling import fill_raw
from streams.benchmarks.storm.feeding import Feeder
from streams.benchmarks.storm.storm_workers import StormWorkers
from streams.exactly_once.records.produced import Produced
from streams.forgetting.doing import LISTENERS
from streams.harness.interface import KafkaHarness
from streams.settings import Settings, load
from streams.topics.admin import ensure

USERS, WORKERS, RATE = 2_000, 2, 150
PHASE_S, TRAFFIC_S, DEADLINE_S = 20.0, 3_600.0, 3_600.0
"""Duration of traffic before the growth, a third of that after it, and of all of it at most; of each wait at most."""
IDLE_MS, QUIET_S = 60_000, 75.0
"""A silent source holds the watermark for so long, so nothing is at its end before nothing was written for longer."""
CLIENTS = ("impressions", "stream-ends")
OUTPUTS = ("outcomes", "interactions", "engagement", "shelf-rankings", "card-statistics", "co-clusters", *STATES)
SETTLEMENT = {"horizon_ms": 300_000, "attribution_ms": 300_000}
"""Short, so that cards have statistics when it grows."""
ENVIRONMENT = {
    **{f"SHELFWISE_SETTLEMENT__{name.upper()}": str(length_ms) for name, length_ms in SETTLEMENT.items()},
    "SHELFWISE_SESSION_TIMEOUT_MS": "6000",
    "SHELFWISE_SETTLEMENT__IDLE_MS": str(IDLE_MS),
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
        self._phases: dict[str, float] = {}  # seconds
        self._began_s = time.monotonic()
        self._until_s = float("inf")  # of the traffic

    async def play(self) -> dict[str, Any]:
        """Traffic, growth with a kill, traffic of clients old and new, audit."""
        growing, old, new = self._growing, self._settings(self._growing.before), self._settings(self._growing.after)
        await asyncio.to_thread(ensure, old, self._broker.bootstrap)
        traffic = Traffic(TrafficSettings(seed=growing.seed, users=USERS))
        knows_old = Feeder(self._broker.bootstrap, old, patience_ms=60_000)
        knows_new = Feeder(self._broker.bootstrap, new, patience_ms=60_000)
        await knows_old.catalogue(traffic.catalogue)
        events = traffic.events(int(RATE * TRAFFIC_S))
        first = next(events)
        events = chain([first], takewhile(lambda _: time.monotonic() < self._until_s, events))
        try:
            workers = await self._started(growing.before)
            await self._fill(first.event_ms - 2 * SETTLEMENT["horizon_ms"])
            feeding = asyncio.create_task(knows_old.feed(events, RATE))  # its producer looks for partitions rarely
            await asyncio.sleep(PHASE_S)
            await workers.end()
            self._ended("traffic_before", "workers stopped, clients go on")
            runs = await asyncio.to_thread(self._grow)
            self._ended("growing", f"grown; {knows_old.published:,} events until now")
            workers = await self._started(growing.after)
            self._until_s = time.monotonic() + 3 * PHASE_S
            await asyncio.gather(feeding, knows_new.feed(events, RATE))
            knows_new.newest_ms = max(knows_new.newest_ms, knows_old.newest_ms)
            await knows_new.close_books()
            await self._quiet(new)
            await workers.end()
            found = await audit(self._broker.bootstrap, audit_rules(new))
            self._ended("audit", "audited")
        finally:
            for each in self._workers:
                each.end_at_once()
        return self._told(runs, found, knows_old.published + knows_new.published)

    def _settings(self, partitions: int) -> Settings:
        flags = {"replication_factor": self._growing.nodes, "log_level": "warning", "page_partitions": partitions}
        return load(None, {**flags, "settlement": {**SETTLEMENT, "idle_ms": IDLE_MS}})

    def _ended(self, phase: str, said: str) -> None:
        now_s = time.monotonic()
        self._phases[phase], self._began_s = round(now_s - self._began_s, 1), now_s
        self._say(f"{said} ({phase}: {self._phases[phase]:,.1f} s)")

    async def _started(self, partitions: int) -> StormWorkers:
        environment = {**ENVIRONMENT, "SHELFWISE_PAGE_PARTITIONS": str(partitions)}
        folder = self._folder / f"workers-{partitions}"
        folder.mkdir()
        self._workers.append(StormWorkers(self._broker.bootstrap, folder, environment, self._growing.seed))
        await self._workers[-1].scale(WORKERS)
        return self._workers[-1]

    def _watched(self, settings: Settings) -> Quiet:
        return Quiet(self._broker.bootstrap, settings.group, self._say, DEADLINE_S)

    async def _fill(self, event_ms: int) -> None:
        """Give every listener a page, and wait until workers have read all of them."""
        await fill_raw(self._broker.bootstrap, _pages(self._growing.listeners, event_ms))
        self._ended("writing", f"{self._growing.listeners:,} listeners written")
        await self._watched(self._settings(self._growing.before)).read(CLIENTS)
        self._ended("filling", "all of them have state")

    async def _quiet(self, settings: Settings) -> None:
        """Wait until all that clients wrote has been processed."""
        quiet = self._watched(settings)
        await quiet.read(CLIENTS)
        self._ended("catching_up", "all input is read")
        await quiet.written(OUTPUTS, QUIET_S)
        self._ended("settling", "nothing is written any more")

    def _await_first_topic(self) -> None:
        """Return some seconds after the first topic has grown."""
        assert self._growing.kill_after_s is not None
        with closing(KafkaConsumer(bootstrap_servers=self._broker.bootstrap, metadata_max_age_ms=100)) as consumer:
            while len(consumer.partitions_for_topic(LISTENERS) or ()) < self._growing.after:
                consumer.topics()  # asks a broker
                time.sleep(0.05)
        time.sleep(self._growing.kill_after_s)

    def _grow(self) -> list[Ended]:
        """Run the command, once killed and once to its end."""
        command = [
            *(sys.executable, "-m", "streams.cli.main", "topics", "grow", "--broker", self._broker.bootstrap),
            *("--page-partitions", str(self._growing.after), "--json"),
        ]
        environment = {"SHELFWISE_LOG_LEVEL": "warning", **ENVIRONMENT}
        runs = []
        for kill_when in (None,) if self._growing.kill_after_s is None else (self._await_first_topic, None):
            runs.append(run_measured(command, environment, kill_when))
            self._say(f"topics grow ended with status {runs[-1].status} after {runs[-1].seconds} s")
            if runs[-1].status == 0:
                break
        return runs

    def _told(self, runs: list[Ended], found: Audit, events: int) -> dict[str, Any]:
        deaths = [death for workers in self._workers for death in workers.deaths]
        grown = orjson.loads(runs[-1].said) if runs[-1].status == 0 else {}
        return {
            "benchmark": "growing",
            "passed": bool(grown) and found.holds and not found.open and not deaths,
            "settings": msgspec.to_builtins(self._growing),
            "killed": any(it.was_killed for it in runs),
            "grow_s": [it.seconds for it in runs],
            "grow_cpu_s": [it.cpu_s for it in runs],
            "grow_memory_mb": [it.memory_mb for it in runs],
            "grown": grown,
            "phases_s": self._phases,
            "audit_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024, 1),
            "events": events,
            "worker_deaths": deaths,
            "audit": msgspec.to_builtins(found),
        }


def _pages(listeners: int, event_ms: int) -> Iterator[Produced]:
    shelf = ShownShelf(shelf_id="shelf-1", cards=("card-1", "card-2", "card-3"), propensities=(1.0,) * 3, seen=(0,))
    for number in range(listeners):
        user_id = f"settled-{number}"
        page = Impression(event_id="page", user_id=user_id, event_ms=event_ms, shelves=(shelf,))
        yield Produced("impressions", user_id.encode(), encode(page), timestamp_ms=event_ms)
