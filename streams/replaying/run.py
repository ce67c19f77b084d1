"""Sends events into the topics, runs a worker on them where none runs, and adds up what came out."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from schemas.catalogue import CatalogueCard
from schemas.codec import decode, encode
from schemas.impressions import Impression
from schemas.outcomes import one_by_one
from schemas.stream_ends import StreamEnd
from streams.audit_rules import audit_rules
from streams.auditing.audit import SETTLEMENT_TOPICS, audit
from streams.auditing.findings import Audit
from streams.auditing.reading import read_committed
from streams.demo.worker_process import WorkerProcess
from streams.publishing import Publisher
from streams.settings import Settings
from streams.topics.admin import ensure

Event = Impression | StreamEnd
DEADLINE_S = 300.0
CLOCKS = 64


class ReplayResult(Struct, frozen=True, kw_only=True):
    """What went in and what came out; `adds_up` says whether every row is accounted for."""

    rows: int
    rejected: dict[str, int]
    impressions: int
    stream_ends: int
    events_per_second: float
    outcomes: int
    streamed: int
    interactions: int
    rankings: int
    cards_with_statistics: int
    co_clusters: dict[str, Any]
    dead_letters: int
    adds_up: bool
    audit: Audit


async def send(bootstrap: str, cards: Iterable[CatalogueCard], events: Iterable[Event], **options: Any) -> Counter[str]:
    """Publish cards and events in their order; gives how many of each topic. `options` are aiokafka's own."""
    sent: Counter[str] = Counter()
    async with Publisher(bootstrap, **options) as publisher:
        for card in cards:
            await publisher.publish("catalogue", card.card_id, encode(card))
            sent["catalogue"] += 1
        await publisher.flush()
        for event in events:
            topic = "impressions" if isinstance(event, Impression) else "stream-ends"
            await publisher.publish(topic, event.user_id, encode(event), event_ms=event.event_ms)
            sent[topic] += 1
        await publisher.flush()
        sent["newest_ms"] = publisher.newest_ms
    return sent


async def close_books(bootstrap: str, newest_ms: int, settings: Settings) -> None:
    """Tell every partition that event time has gone on, so that all exposures settle."""
    end_ms = newest_ms + settings.settlement.horizon_ms + 2 * settings.settlement.lateness_ms
    async with Publisher(bootstrap) as publisher:
        for number in range(CLOCKS):
            clock = Impression(event_id=f"end-{number}", user_id=f"clock-{number}", event_ms=end_ms, shelves=())
            await publisher.publish("impressions", clock.user_id, encode(clock))


async def replay(
    bootstrap: str,
    settings: Settings,
    cards: Iterable[CatalogueCard],
    events: Iterable[Event],
    rejected: Counter[str],
) -> ReplayResult:
    """Replay through the topics and a worker of our own; waits until everything has come out."""
    await asyncio.to_thread(ensure, settings, bootstrap)
    environment = {"SHELFWISE_SETTLEMENT__IDLE_MS": "2000"}
    with tempfile.TemporaryDirectory(prefix="shelfwise-replay-") as folder:
        started_s = time.monotonic()
        sent = await send(bootstrap, cards, events)
        await close_books(bootstrap, sent["newest_ms"], settings)
        with WorkerProcess(bootstrap, environment, Path(folder) / "worker.log") as worker:
            found = await _settled(bootstrap, settings, worker)
            seconds = time.monotonic() - started_s
    return await _result(bootstrap, sent, rejected, found, seconds)


async def _settled(bootstrap: str, settings: Settings, worker: WorkerProcess) -> Audit:
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        worker.refuse_if_dead()
        found = await audit(bootstrap, audit_rules(settings, closed=True), topics=SETTLEMENT_TOPICS)
        if found.holds or time.monotonic() > deadline_s:
            await asyncio.sleep(2.0 * settings.publish_interval_ms / 1_000)
            return found
        await asyncio.sleep(1.0)


async def _result(
    bootstrap: str, sent: Counter[str], rejected: Counter[str], found: Audit, seconds: float
) -> ReplayResult:
    outcomes = list(one_by_one(decode("outcomes", value) for _, value in await read_committed(bootstrap, "outcomes")))
    rankings = await read_committed(bootstrap, "shelf-rankings")
    statistics = await read_committed(bootstrap, "card-statistics")
    models = await read_committed(bootstrap, "co-clusters")
    dead = [len(await read_committed(bootstrap, f"{topic}.dlq")) for topic in ("impressions", "stream-ends")]
    rows = sent["impressions"] or sent["stream-ends"]
    summary: dict[str, Any] = {}
    if models:
        model = decode("co-clusters", models[-1][1])
        summary = {
            "generation": model.generation,
            "version": model.version,
            "user_prior": model.user_prior,
            "card_prior": model.card_prior,
            "thresholds_s": model.thresholds_s,
        }
    return ReplayResult(
        rows=rows + sum(rejected.values()),
        rejected=dict(rejected),
        impressions=sent["impressions"],
        stream_ends=sent["stream-ends"],
        events_per_second=round((sent["impressions"] + sent["stream-ends"]) / seconds, 1),
        outcomes=found.settled,
        streamed=len({(o.impression_id, o.row, o.slot) for o in outcomes if o.played_ms > 0}),
        interactions=found.interactions,
        rankings=len(rankings),
        cards_with_statistics=len({key for key, _ in statistics}),
        co_clusters=summary,
        dead_letters=sum(dead),
        adds_up=found.holds and found.exposures == sent["impressions"] and found.interactions == sent["stream-ends"],
        audit=found,
    )
