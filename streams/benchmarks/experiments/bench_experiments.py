"""`bench experiments`: planted experiments through the whole pipeline, a worker killed in the middle, and the audit."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from schemas.codec import decode, encode
from schemas.experiments import ExperimentDefinition
from schemas.metric_windows import ExperimentDecision
from streams.audit_rules import audit_rules
from streams.auditing.audit import audit
from streams.auditing.findings import Audit
from streams.auditing.reading import read_committed
from streams.benchmarks.bench_brokers import Backend, harness_of
from streams.benchmarks.experiments.planted_tests import EXPECTED, PlantedTests, catalogue, definitions, events
from streams.publishing import Publisher
from streams.replaying.replay_run import close_books, send
from streams.settings import Settings, load
from streams.subscribers.experiment_table import ExperimentTable
from streams.topics.admin import ensure
from streams.worker_process import WorkerProcess

DEADLINE_S = 600.0
AHEAD_OF_NOW_MS = 3_600_000
ENVIRONMENT = {
    "SHELFWISE_METRICS__ENABLED": "true",
    "SHELFWISE_METRICS__WINDOW_MS": "3600000",
    "SHELFWISE_SETTLEMENT__IDLE_MS": "1500",
    "SHELFWISE_SESSION_TIMEOUT_MS": "6000",
}
Tell = Callable[[str], None]


def bench_experiments(planted: PlantedTests, backend: Backend, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Play the planted experiments; `passed` if every decision is right, and the audit holds."""
    begins_ms = int(time.time() * 1_000) - AHEAD_OF_NOW_MS - (planted.days_before + planted.days) * planted.day_ms
    planted = msgspec.structs.replace(planted, begins_ms=begins_ms - begins_ms % planted.day_ms)
    metrics = {"enabled": True, "window_ms": 3_600_000, "day_ms": planted.day_ms}
    settings = load(None, {"metrics": metrics, "log_level": "warning"})
    environment = {**ENVIRONMENT, "SHELFWISE_METRICS__DAY_MS": str(planted.day_ms)}
    with (
        tempfile.TemporaryDirectory(prefix="shelfwise-experiments-") as folder,
        harness_of(backend, nodes=1, seed=planted.seed, data_dir=f"{folder}/broker") as broker,
    ):
        ensure(settings, broker.bootstrap)
        run = _Run(broker.bootstrap, settings, environment, Path(folder) / "worker.log", tell)
        return run.play(planted)


class _Run:
    """One run of all experiments."""

    def __init__(self, bootstrap: str, settings: Settings, environment: dict[str, str], log: Path, tell: Tell) -> None:
        self._bootstrap, self._settings, self._environment = bootstrap, settings, environment
        self._log, self._tell = log, tell

    def play(self, planted: PlantedTests) -> dict[str, Any]:
        """Send the events, kill the worker in their middle, wait until all is processed, and judge."""
        tests, table = definitions(planted), ExperimentTable()
        for test in tests:
            table.put(test.name.encode(), encode(test))
        every = events(planted, tests, table)
        half = len(every) // 2
        asyncio.run(self._define(tests))
        asyncio.run(send(self._bootstrap, catalogue(), every[:half]))
        self._tell(f"{half:,} of {len(every):,} events sent")
        with self._worker() as victim:
            self._wait(lambda: self._count("experiment-exposures") > planted.listeners // 4, victim)
            assert victim.process is not None
            victim.process.kill()
            victim.process.wait()
        self._tell(f"the worker is killed after {self._count('experiment-exposures'):,} exposures")
        asyncio.run(send(self._bootstrap, [], every[half:]))
        asyncio.run(close_books(self._bootstrap, every[-1].event_ms, self._settings))
        with self._worker() as worker:
            found = self._audited(worker)
        decisions = self._decisions()
        told = {name: _told(decisions.get(name), EXPECTED[name]) for name in EXPECTED}
        return {
            "benchmark": "experiments",
            "passed": found.holds and not found.open and all(one["is_right"] for one in told.values()),
            "settings": msgspec.to_builtins(planted),
            "events": len(every),
            "exposures_to_experiments": self._count("experiment-exposures"),
            "decisions": told,
            "audit": msgspec.to_builtins(found),
        }

    def _worker(self) -> WorkerProcess:
        return WorkerProcess(self._bootstrap, self._environment, self._log)

    async def _define(self, tests: list[ExperimentDefinition]) -> None:
        async with Publisher(self._bootstrap) as publisher:
            for test in tests:
                await publisher.publish("experiments", test.name, encode(test))
            await publisher.flush()

    def _count(self, topic: str) -> int:
        return len(asyncio.run(read_committed(self._bootstrap, topic)))

    def _audited(self, worker: WorkerProcess) -> Audit:
        """The audit once it holds, and all have been decided on; the last one if that takes too long."""
        deadline_s = time.monotonic() + DEADLINE_S
        while True:
            found = asyncio.run(audit(self._bootstrap, audit_rules(self._settings, closed=True)))
            is_decided = self._decisions().keys() >= EXPECTED.keys()
            if (found.holds and is_decided) or time.monotonic() > deadline_s:
                return found
            self._tell(f"{found.settled:,} of {found.exposures:,} exposures settled")
            worker.refuse_if_dead()
            time.sleep(2.0)

    def _decisions(self) -> dict[str, ExperimentDecision]:
        newest = dict(asyncio.run(read_committed(self._bootstrap, "experiment-decisions")))
        found = (decode("experiment-decisions", value) for value in newest.values() if value is not None)
        return {one.experiment: one for one in found}

    def _wait(self, is_done: Callable[[], bool], worker: WorkerProcess) -> None:
        while not is_done():
            worker.refuse_if_dead()
            time.sleep(0.2)


def _told(decision: ExperimentDecision | None, expected: frozenset[str]) -> dict[str, Any]:
    if decision is None:
        return {"is_right": False, "decision": None, "expected": sorted(expected)}
    goal = next((one for one in decision.differences if one.role == "goal"), None)
    return {
        "is_right": decision.decision in expected,
        "decision": decision.decision,
        "expected": sorted(expected),
        "winner": decision.winner,
        "reasons": list(decision.reasons),
        "listeners": decision.listeners,
        "ratio_p": decision.ratio_p,
        "difference": None if goal is None else [goal.difference, goal.low, goal.high],
    }
