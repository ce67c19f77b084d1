"""`bench memory`: memory of a process while ten million events pass through the four cores."""

import sys
import time
from typing import Any

from msgspec import Struct

from processors.cards import Cards
from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from processors.learner import Learner
from processors.listeners import Listeners
from processors.settlement.settings import SettlementSettings
from processors.warm_up.stages import warm_up
from processors.worlds.home_page import Event
from schemas.impressions import Impression
from schemas.interactions import Interactions
from schemas.learning import CardGroup, CardStatistics, CoClusters
from schemas.monitoring import EngagementSums
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from streams.benchmarks.process_figures import resident_mb
from streams.interpreter import calm_garbage_collection
from streams.settings import Settings

EVENTS_A_BATCH = 20_000
WARM_SHARE = 0.2
SETTLEMENT = SettlementSettings(listeners_max=5_000, exposures_max=200_000)
LEARNING = LearnerSettings(
    max_users=5_000, max_cards=2_000, stuck_test=False, rethink_sample_edges=10_000, fresh_edges=5_000, polish_passes=10
)
"""Global moves are kept small, because this does not measure the structure."""


class Cores:
    """The four processors of one partition, connected by function calls; state rows are collected as in a commit."""

    def __init__(self, settings: Settings, traffic: Traffic) -> None:
        self.listeners = Listeners(settings.listeners, source="listeners/0")
        self.cards = Cards(settings.rewards)
        self.learner = Learner(settings.coclusters, settings.rewards, settings.seed)
        self.monitor = EngagementMonitor(DriftSettings())
        self.state_rows = 0
        for card in traffic.catalogue:
            self.listeners.learned.put_card(card.card_id, card)
            self.learner.put_card(card.card_id, card)

    def take(self, events: list[Event], first_offset: int) -> None:
        """Process one batch of each topic, and everything that follows from it."""
        numbered = list(enumerate(events, start=first_offset))
        self.listeners.impressions([(n, e) for n, e in numbered if isinstance(e, Impression)])
        self.listeners.stream_ends([(n, e) for n, e in numbered if not isinstance(e, Impression)])
        messages = list(self.listeners.conclude().everything())
        self.cards.outcomes([m for m in messages if isinstance(m, OutcomesSettled | OutcomeCorrected)])
        self.learner.interactions([m for m in messages if isinstance(m, Interactions)])
        self.monitor.engagement([m for m in messages if isinstance(m, EngagementSums)])
        for message in (*self.learner.publish(), *self.cards.statistics()):
            self._hear(message)
        for core in (self.listeners, self.cards, self.learner, self.monitor):
            self.state_rows += sum(1 for _ in core.changed_rows())

    def _hear(self, message: Struct) -> None:
        if isinstance(message, CoClusters):
            for reader in (self.listeners.learned, self.cards, self.monitor):
                reader.put_co_clusters(message)
        elif isinstance(message, CardGroup):
            self.listeners.learned.put_card_group(message)
            self.cards.put_card_group(message)
        elif isinstance(message, CardStatistics):
            self.listeners.learned.put_statistics(message)


def bench_memory(settings: Settings, *, events: int, seed: int) -> dict[str, Any]:
    """Process events of 20,000 listeners, of whom 5,000 are kept; prints memory ten times on standard error.

    Memory is the maximum after any batch of a tenth of the events, because it is released in steps. The result is
    `flat` if no tenth after the first two exceeds the third by more than a twentieth.
    """
    warm_up()
    settings = settings.model_copy(update={"settlement": SETTLEMENT, "coclusters": LEARNING})
    traffic = Traffic(TrafficSettings(seed=seed, users=20_000, cards=24))
    cores = Cores(settings, traffic)
    every = max(1, events // 10)
    marks: list[dict[str, float]] = []
    batch: list[Event] = []
    most_mb = 0.0
    calm_garbage_collection()
    started_s = time.monotonic()
    for number, event in enumerate(traffic.events(events), start=1):
        batch.append(event)
        if len(batch) == EVENTS_A_BATCH:
            cores.take(batch, number)
            batch = []
            most_mb = max(most_mb, resident_mb())
        if number % every == 0:
            marks.append(_mark(cores, number, time.monotonic() - started_s, most_mb))
            most_mb = 0.0
    settled = [mark["memory_mb"] for mark in marks[int(WARM_SHARE * len(marks)) :]]
    return {
        "benchmark": "memory",
        "of": "the four pure cores in one process, one partition, state rows taken at every batch",
        "seed": seed,
        "events": events,
        "listeners_max": SETTLEMENT.listeners_max,
        "exposures_max": SETTLEMENT.exposures_max,
        "marks": marks,
        "state_rows": cores.state_rows,
        "counters": dict(cores.listeners.settlement.counters),
        "flat": max(settled) <= 1.05 * settled[0],
    }


def _mark(cores: Cores, events: int, seconds: float, memory_mb: float) -> dict[str, float]:
    settlement = cores.listeners.settlement
    mark = {
        "events": events,
        "seconds": round(seconds, 1),
        "memory_mb": memory_mb,
        "listeners": settlement.listeners_count,
        "exposures_open": settlement.exposures_open,
    }
    print("  ".join(f"{name} {value:,}" for name, value in mark.items()), file=sys.stderr, flush=True)  # noqa: T201  progress
    return mark
