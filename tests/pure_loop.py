"""The closed loop without Kafka: the four pure cores joined by function calls, as fast as they can, deterministic."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from river.metrics import AdjustedRand

from processors.cards import Cards
from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from processors.learner import Learner
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.worlds.home_page import HomePageSettings, SimulatedHome
from processors.worlds.planted_drift import planted_majority
from processors.worlds.satisfaction import SatisfactionWorld
from schemas.impressions import Impression
from schemas.interactions import Interactions
from schemas.learning import CardGroup, CardStatistics, CoClusters
from schemas.monitoring import DriftAlert, DriftIncident, EngagementMetrics, EngagementSums
from schemas.outcomes import OutcomeCorrected, OutcomeSettled, OutcomesSettled
from schemas.rankings import ShelfRanking


class PureLoop:
    """One partition of everything; `step` plays a span of event time."""

    def __init__(
        self,
        world: SatisfactionWorld,
        *,
        listeners: ListenersSettings,
        learner: LearnerSettings,
        drift: DriftSettings,
        visits_per_minute: float,
        seed: int,
        home: HomePageSettings | None = None,
        half_life_ms: int = 0,
    ) -> None:
        self.world = world
        self.home = SimulatedHome(world, home or HomePageSettings(), seed=seed)
        self.listeners = Listeners(listeners, source="listeners/0")
        self.cards = Cards(listeners.rewards, half_life_ms=half_life_ms)
        self.learner = Learner(learner, listeners.rewards, seed=seed + 1)
        self.monitor = EngagementMonitor(drift)
        self.pages: dict[str, ShelfRanking] = {}
        self.alerts: list[DriftAlert] = []
        self.incidents: list[DriftIncident] = []
        self.sums: list[EngagementSums] = []
        self.metrics: list[EngagementMetrics] = []
        self.outcomes: list[OutcomeSettled] = []
        self.corrections: list[OutcomeCorrected] = []
        self.model: CoClusters | None = None
        self.card_groups: dict[str, int] = {}
        self.visits_per_minute = visits_per_minute
        self.now_ms = 1_000_000_000
        self.counts: Counter[str] = Counter()
        self._rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
        self.activity = self._rng.gamma(2.0, size=world.settings.users)
        self.activity /= self.activity.sum()
        for card in self.home.catalogue:
            self.listeners.learned.put_card(card.card_id, card)
            self.learner.put_card(card.card_id, card)

    def step(self, length_ms: int = 60_000) -> None:
        visits = int(self._rng.poisson(self.visits_per_minute * length_ms / 60_000))
        users = self._rng.choice(self.world.settings.users, size=visits, p=self.activity).tolist()
        times = np.sort(self._rng.integers(self.now_ms, self.now_ms + length_ms, size=visits)).tolist()
        if visits:
            self.home.visit(users, times, self.pages)
        self.now_ms += length_ms
        events = self.home.events_until(self.now_ms)
        shown = [(0, event) for event in events if isinstance(event, Impression)]
        ended = [(0, event) for event in events if not isinstance(event, Impression)]
        self.counts["events"] += len(events)
        self.listeners.impressions(shown)
        self.listeners.stream_ends(ended)
        self._route(self.listeners.conclude().everything())
        self._route(self.learner.publish())
        self._route(list(self.cards.statistics()))

    def _route(self, messages: Iterable[Struct]) -> None:
        messages = list(messages)
        outcomes = [m for m in messages if isinstance(m, OutcomesSettled | OutcomeCorrected)]
        self.outcomes.extend(one for m in outcomes if isinstance(m, OutcomesSettled) for one in m.outcomes())
        self.corrections.extend(one for one in outcomes if isinstance(one, OutcomeCorrected))
        self.cards.outcomes(outcomes)
        self.learner.interactions([m for m in messages if isinstance(m, Interactions)])
        sums = [m for m in messages if isinstance(m, EngagementSums)]
        self.sums.extend(sums)
        self._watched(self.monitor.engagement(sums))
        for message in messages:
            if isinstance(message, ShelfRanking):
                self.pages[message.user_id] = message
                self.counts["rankings"] += 1
            elif isinstance(message, CoClusters):
                self.model = message
                for reader in (self.listeners.learned, self.cards, self.monitor):
                    reader.put_co_clusters(message)
            elif isinstance(message, CardGroup):
                self.card_groups[message.card_id] = message.group
                self.listeners.learned.put_card_group(message)
                self.cards.put_card_group(message)
            elif isinstance(message, CardStatistics):
                self.listeners.learned.put_statistics(message)

    def _watched(self, told: Iterable[Struct]) -> None:
        told = list(told)
        self.alerts.extend(m for m in told if isinstance(m, DriftAlert))
        for incident in (m for m in told if isinstance(m, DriftIncident)):
            self.incidents.append(incident)
            self.listeners.put_incident(incident.incident_id, incident)
            self.learner.put_incidents([(incident.incident_id, incident)])
        self.metrics.extend(m for m in told if isinstance(m, EngagementMetrics))

    def stream_rate(self, variant: str, from_ms: int = 0) -> float:
        chosen = [o for o in self.outcomes if o.variant == variant and o.shown_ms >= from_ms]
        return sum(o.played_ms >= 30_000 for o in chosen) / max(1, len(chosen))

    def ari(self) -> tuple[float, float]:
        users, cards = self._placed()
        return _ari(users), _ari(cards)

    def named(self, alert: DriftAlert) -> tuple[int | None, int | None]:
        """The planted co-cluster from which most members of an alert's two groups come."""
        users, cards = self._placed()
        return planted_majority(users, alert.user_group), planted_majority(cards, alert.card_group)

    def _placed(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Planted and learned group of each user with a page and of each card of the catalogue that has a group."""
        users = [
            (int(self.world.user_group[int(user[1:])]), int(np.argmax(page.user_weights)))
            for user, page in self.pages.items()
        ]
        cards = [
            (int(self.world.card_group[int(card[1:])]), group)
            for card, group in self.card_groups.items()
            if card[1:].isdigit()
        ]
        return users, cards


def _ari(pairs: list[tuple[int, int]]) -> float:
    metric = AdjustedRand()
    for planted, learned in pairs:
        metric.update(planted, learned)
    return float(metric.get())
