"""`bench storm`: the whole pipeline during a storm, and the final audit."""

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from streams.audit_rules import audit_rules
from streams.auditing.audit import SETTLEMENT_TOPICS, audit
from streams.auditing.findings import Audit
from streams.benchmarks.bench_brokers import Backend, harness_of
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from streams.benchmarks.storm.busy import busy
from streams.benchmarks.storm.conductor import Conductor
from streams.benchmarks.storm.feeding import Feeder
from streams.benchmarks.storm.forget_mid_storm import is_forgotten, names_of, with_requests
from streams.benchmarks.storm.schedule import StormSettings, schedule
from streams.benchmarks.storm.storm_workers import StormWorkers
from streams.forgetting.scan import Found
from streams.forgetting.scanning import scan_topics
from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness
from streams.harness.jars import JarsKafka
from streams.settings import Settings, load
from streams.topics.admin import ensure

_log: Any = structlog.get_logger("shelfwise.storm")
USERS = 2_000
SETTLE_DEADLINE_S, FOLLOW_DEADLINE_S = 300.0, 60.0
PATIENCE_MS, EMBEDDED_PATIENCE_MS = 60_000, 12_000
ENVIRONMENT = {
    "SHELFWISE_SESSION_TIMEOUT_MS": "6000",
    "SHELFWISE_SETTLEMENT__IDLE_MS": "60000",
    "SHELFWISE_COCLUSTERS__WARMUP_EVENTS": "2000",
    "SHELFWISE_START_DEADLINE_MS": "120000",
}
"""Short timeouts, so that a frozen worker is evicted and its transaction aborted well before it resumes."""


def bench_storm(storm: StormSettings, backend: Backend, logs: Path | None = None) -> dict[str, Any]:
    """Play one storm; `passed` if the audit passes, no worker died by itself and all acts were carried out.

    Workers' logs are written to the folder `logs`, if given. If a storm fails, its logs and the brokers' data are
    `kept` in any case.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # an unavailable broker is expected here
    settings = load(None, {"replication_factor": storm.nodes, "log_level": "warning"})
    folder = Path(tempfile.mkdtemp(prefix=f"shelfwise-storm-{storm.seed}-"))
    found: dict[str, Any] = {}
    try:
        harness = harness_of(backend, nodes=storm.nodes, seed=storm.seed, data_dir=f"{folder}/broker")
        with busy(storm.busy), harness as broker:
            if isinstance(broker, JarsKafka):
                broker.keep(folder / "brokers")
            found = asyncio.run(Storm(storm, settings, broker, logs or folder).run())
    finally:
        if found.get("passed"):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            found["kept"] = str(folder)
            _log.warning("the storm's logs and the brokers' data are kept", folder=str(folder))
    return found


class Storm:
    """One storm, from its first event to its audit."""

    def __init__(self, storm: StormSettings, settings: Settings, broker: KafkaHarness, folder: Path) -> None:
        self._storm = storm
        self._settings = settings
        self._broker = broker
        environment = {**ENVIRONMENT, "SHELFWISE_TRANSACTION_TIMEOUT_MS": str(storm.transaction_timeout_ms)}
        self._workers = StormWorkers(broker.bootstrap, folder, environment, storm.seed)
        patience_ms = EMBEDDED_PATIENCE_MS if isinstance(broker, EmbeddedKafka) else PATIENCE_MS
        self._feeder = Feeder(broker.bootstrap, settings, patience_ms=patience_ms)
        self._conductor = Conductor(broker, self._workers)

    async def run(self) -> dict[str, Any]:
        """Play, settle, audit, and report."""
        storm, feeder = self._storm, self._feeder
        await asyncio.to_thread(ensure, self._settings, self._broker.bootstrap)
        traffic = Traffic(TrafficSettings(seed=storm.seed, users=USERS))
        await feeder.catalogue(traffic.catalogue)
        acts = schedule(storm)
        started_s = time.monotonic()
        try:
            await self._workers.scale(storm.workers)
            count = int(storm.seconds * storm.events_per_second)
            plain = traffic.events(count)
            events = with_requests(plain, storm.forget, of_events=count, users=USERS, seed=storm.seed)
            async with asyncio.TaskGroup() as group:
                group.create_task(feeder.feed(events, storm.events_per_second))
                group.create_task(self._conductor.play(acts, storm.seconds))
            stormed_s = time.monotonic() - started_s
            await feeder.close_books()
            settle_s = await self._settled()
            await self._audited()
            await self._workers.end()
            found = await audit(self._broker.bootstrap, audit_rules(self._settings))
            scan = await scan_topics(self._broker.bootstrap, names_of(storm.forget, storm.seed)) if storm.forget else []
        finally:
            self._workers.end_at_once()
        return self._told(found, scan, len(acts), stormed_s, settle_s)

    async def _settled(self) -> float:
        """Wait until everything is processed; returns the duration. The audit reports what is missing."""
        started_s = time.monotonic()
        rules = audit_rules(self._settings)
        while time.monotonic() - started_s < SETTLE_DEADLINE_S:
            found = await audit(self._broker.bootstrap, rules, topics=SETTLEMENT_TOPICS)
            if found.holds:
                break
            self._workers.look()
            await asyncio.sleep(1.0)
        return time.monotonic() - started_s

    async def _audited(self) -> Audit:
        """Audit everything, once the downstream tasks have caught up: cards, learner, engagement."""
        deadline_s = time.monotonic() + FOLLOW_DEADLINE_S
        while True:
            found = await audit(self._broker.bootstrap, audit_rules(self._settings))
            if found.holds or time.monotonic() > deadline_s:
                return found
            self._workers.look()
            await asyncio.sleep(1.0)

    def _told(
        self, found: Audit, scan: Sequence[Found], planned: int, stormed_s: float, settle_s: float
    ) -> dict[str, Any]:
        workers, done = self._workers, self._conductor.done
        passed = found.holds and not found.open and not workers.deaths and sum(done.values()) == planned
        passed = passed and self._feeder.asked == self._storm.forget and (not scan or is_forgotten(scan))
        return {
            "benchmark": "storm",
            "passed": passed,
            "settings": msgspec.to_builtins(self._storm),
            "seconds": round(stormed_s, 1),
            "events": self._feeder.published,
            "acts": dict(sorted(done.items())),
            "worker_kills": workers.kills,
            "zombies": workers.thaws,
            "polite_stops": workers.polite_stops,
            "worker_deaths": workers.deaths,
            "settle_s": round(settle_s, 1),
            "told": workers.told(),
            "reasons": workers.reasons(),
            "faults_fired": self._broker.faults.fired if isinstance(self._broker, EmbeddedKafka) else {},
            "audit": msgspec.to_builtins(found),
            "asked_to_be_forgotten": self._feeder.asked,
            "scan_for_them": {one.topic: one.figures() for one in scan},
        }
