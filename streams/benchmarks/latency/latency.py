"""`bench latency`: from a stream-end to the ranking that follows it, at shares of the rate that one worker sustains."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from aiokafka import AIOKafkaProducer
from msgspec import Struct

from streams.audit_rules import audit_rules
from streams.auditing.audit import audit
from streams.auditing.findings import Audit
from streams.benchmarks.bench_brokers import Backend, broker_for
from streams.benchmarks.bench_traffic import TAIL_MS, Traffic, TrafficSettings
from streams.benchmarks.filling import fill, keyed
from streams.benchmarks.latency.answers import Answers
from streams.benchmarks.latency.paced_feed import PacedFeed
from streams.benchmarks.latency.ranking_reader import RankingReader
from streams.benchmarks.latency.to_send import ToSend, to_send
from streams.benchmarks.pipeline import bench_pipeline
from streams.benchmarks.process_figures import resident_mb
from streams.benchmarks.storm.feeding import Feeder
from streams.interpreter import calm_garbage_collection
from streams.settings import Settings
from streams.topics.admin import ensure
from streams.worker_process import WorkerProcess

WARM_UP_SHARE = 0.25
CLOSING_DEADLINE_S = 900.0
QUANTILES = (0.5, 0.95, 0.99)


class LatencySettings(Struct, frozen=True, kw_only=True):
    """Rates as shares of `sustained` events per second, each for `seconds`; 0 measures the sustained rate first."""

    shares: tuple[float, ...] = (0.25, 0.5, 0.75)
    seconds: float = 30.0
    warm_up_s: float = 10.0
    sustained: float = 0.0
    measured_on: int = 200_000
    drain_s: float = 600.0
    traffic: TrafficSettings = TrafficSettings()


def bench_latency(
    settings: Settings, backend: Backend, asked: LatencySettings, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Feed a worker at each rate, and measure until all stream-ends are followed by a ranking; then audit everything.

    The sustained rate is that of `bench pipeline` on a broker of its own. Raises `WorkerEndedError` if the worker ends.
    """
    sustained = asked.sustained
    if not sustained:
        tell(f"measuring the sustained rate on {asked.measured_on:,} events")
        of_pipeline = bench_pipeline(settings, backend, events=asked.measured_on, seconds=None, traffic=asked.traffic)
        sustained = 1e6 / of_pipeline["us_per_event"]
    with broker_for(backend, settings.broker) as bootstrap, tempfile.TemporaryDirectory() as folder:
        ensure(settings, bootstrap)
        with WorkerProcess(bootstrap, {}, Path(folder) / "worker.log") as worker:
            run = _Run(bootstrap, settings, asked, sustained, worker, tell)
            rows, found = asyncio.run(run.play())
    return {
        "benchmark": "latency",
        "broker": "named" if settings.broker else backend.value,
        "sustained_events_per_s": round(sustained),
        "rates": {f"{share:g}": row for share, row in zip(asked.shares, rows, strict=True)},
        "audit_holds": found.holds,
        "audit": msgspec.to_builtins(found),
    }


class _Run:
    """One worker, fed at rising rates."""

    def __init__(
        self,
        bootstrap: str,
        settings: Settings,
        asked: LatencySettings,
        sustained: float,
        worker: WorkerProcess,
        tell: Callable[[str], None],
    ) -> None:
        self._bootstrap, self._settings, self._asked = bootstrap, settings, asked
        self._sustained, self._worker, self._tell = sustained, worker, tell
        self._reader = RankingReader(bootstrap)
        self._memory_mb = 0.0

    async def play(self) -> tuple[list[dict[str, float]], Audit]:
        """A row for each rate, and the audit."""
        traffic, asked = Traffic(self._asked.traffic), self._asked
        await fill(self._bootstrap, map(keyed, traffic.catalogue))
        spans = [(WARM_UP_SHARE, asked.warm_up_s), *((share, asked.seconds) for share in asked.shares)]
        counts = [round(share * self._sustained * seconds) for share, seconds in spans]
        records = to_send(traffic.events(sum(counts)), self._settings.settlement.lateness_ms)
        await self._reader.start()
        rows, helpers = [], [asyncio.create_task(self._reader.run()), asyncio.create_task(self._watch_memory())]
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", linger_ms=0) as producer:
            places = {topic: len(await producer.partitions_for(topic)) for topic in ("impressions", "stream-ends")}
            feed = PacedFeed(producer, places)
            for (share, _), count in zip(spans, counts, strict=True):
                rows.append(await self._at(share, feed, records, count))
        for helper in helpers:
            helper.cancel()
            with suppress(asyncio.CancelledError):
                await helper
        return rows[1:], await self._audited(counts)

    async def _at(self, share: float, feed: PacedFeed, records: Iterator[ToSend], count: int) -> dict[str, float]:
        """The row of one rate."""
        ready = list(islice(records, count))  # encoded ahead: it would take a core from the worker
        calm_garbage_collection()
        rate, ranked_before = share * self._sustained, self._reader.rankings_count
        self._reader.answers, self._memory_mb = answers, _ = Answers(), 0.0
        self._tell(f"{rate:,.0f} events a second: {count:,} events")
        fed = await feed.feed(ready, rate, answers)
        waiting = answers.waiting_count
        drained_s = await self._drained(answers)
        return {
            "events_per_s_asked": round(rate, 1),
            "events_per_s": round(fed.records / fed.seconds, 1),
            "stream_ends": len(answers.latencies_s) + answers.waiting_count,
            "never_followed": answers.waiting_count,
            **_milliseconds(answers.latencies_s),
            "waiting_at_the_end_of_feeding": waiting,
            "drained_after_s": round(drained_s, 2),
            "rankings": self._reader.rankings_count - ranked_before,
            "worker_memory_peak_mb": self._memory_mb,
        }

    async def _drained(self, answers: Answers) -> float:
        """Wait until no stream-end waits; returns the seconds."""
        started_s = time.monotonic()
        while answers.waiting_count and time.monotonic() - started_s < self._asked.drain_s:
            self._worker.refuse_if_dead()
            await asyncio.sleep(0.02)
        return time.monotonic() - started_s

    async def _watch_memory(self) -> None:
        assert self._worker.process is not None
        while True:
            self._memory_mb = max(self._memory_mb, resident_mb(self._worker.process.pid))
            await asyncio.sleep(0.5)

    async def _audited(self, counts: Sequence[int]) -> Audit:
        """Close the books, and audit until all is processed."""
        feeder = Feeder(self._bootstrap, self._settings, patience_ms=60_000)
        feeder.newest_ms = int(time.time() * 1_000) - TAIL_MS  # no event of the traffic is later
        await feeder.close_books()
        self._tell(f"auditing {sum(counts):,} events")
        deadline_s = time.monotonic() + CLOSING_DEADLINE_S
        while True:
            found = await audit(self._bootstrap, audit_rules(self._settings))
            if (found.holds and not found.open) or time.monotonic() > deadline_s:
                return found
            self._worker.refuse_if_dead()
            await asyncio.sleep(1.0)


def _milliseconds(latencies_s: Sequence[float]) -> dict[str, float]:
    """Quantiles and the maximum.

    >>> _milliseconds([0.1, 0.2, 0.3])
    {'p50_ms': 200.0, 'p95_ms': 290.0, 'p99_ms': 298.0, 'max_ms': 300.0}
    """
    if not latencies_s:
        return {}
    values = np.array(latencies_s) * 1_000
    quantiles = {f"p{100 * q:.0f}_ms": round(float(np.quantile(values, q)), 1) for q in QUANTILES}
    return {**quantiles, "max_ms": round(float(values.max()), 1)}
