"""The logs of a small run: the pure cores joined by function calls, one partition, every message at its place."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from processors.cards import Cards
from processors.cocluster.online.settings import LearnerSettings
from processors.leaderboard.leaderboard_settings import LeaderboardSettings
from processors.leaderboard.standings import Leaderboard
from processors.learner import Learner
from processors.listeners import Listeners
from processors.metrics.metrics_core import Metrics
from processors.metrics.metrics_settings import MetricsSettings
from processors.worlds.home_page import HomePageSettings, SimulatedHome
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.impressions import Impression
from schemas.interactions import Interactions
from schemas.learning import CardGroup, CardStatistics, CoClusters
from schemas.metric_signals import MetricSignals
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from schemas.policy_evidence import PagesWeighed
from schemas.stream_ends import StreamEvent
from streams.auditing.books import READING_ORDER
from streams.auditing.reading import LogRecord
from streams.settings import Settings
from streams.tasks.routing import produced
from tests.builders import card, experiment, impression, stream_end

USERS, CARDS, PAGES, BATCH = 40, 24, 400, 50
START_MS = 1_700_000_000_000
TESTED = experiment("tested", buckets={"a": range(450), "b": range(450, 900)}, effective_ms=START_MS + 1_000_000)
OTHER = experiment("other", buckets={"x": range(500), "y": range(500, 1_000)}, layer="page", salt="s")
WEIGHED = LeaderboardSettings(share=0.5, candidates=("static epsilon-greedy", "mean uniform"))
MEASURED = MetricsSettings(enabled=True)


class Run:
    """Writes everything that a run would leave in the topics."""

    def __init__(self, settings: Settings) -> None:
        self.records: list[LogRecord] = []
        self._offsets: Counter[str] = Counter()
        self.listeners = Listeners(settings.listeners, source="listeners/0")
        self.cards = Cards(
            settings.rewards, half_life_ms=settings.reward_half_life_ms, weight_max=settings.reward_weight_max
        )
        self.leaderboard = Leaderboard()
        self.metrics = Metrics(settings.metrics)
        self.learner = Learner(LearnerSettings(warmup_events=200), settings.rewards, seed=1)

    def write(self, message: Struct) -> int:
        record = produced(message)
        offset = self._offsets[record.topic]
        self._offsets[record.topic] += 1
        self.records.append(LogRecord(record.topic, 0, offset, record.key, record.value))
        return offset

    def feed(self, events: list[Impression | StreamEvent]) -> None:
        numbered = [(self.write(event), event) for event in events]
        shown = [(offset, event) for offset, event in numbered if isinstance(event, Impression)]
        ended = [(offset, event) for offset, event in numbered if isinstance(event, StreamEvent)]
        self.listeners.impressions(shown)
        self.listeners.stream_ends(ended)
        self._pass_on(self.listeners.conclude().everything())

    def pass_time(self, name: str, event_ms: int) -> None:
        """Let event time come this far."""
        stream = stream_end(event_id=name, user_id="clock", started_ms=event_ms - 60_000, event_ms=event_ms)
        self.feed([impression(event_id=name, user_id="clock", event_ms=event_ms, cards=()), stream])

    def read(self) -> list[LogRecord]:
        """All records, in the auditor's reading order."""
        return sorted(self.records, key=lambda record: _place_of(record.topic))

    def _pass_on(self, messages: Iterable[Struct]) -> None:
        messages = list(messages)
        for message in messages:
            self.write(message)
        self.leaderboard.take([m for m in messages if isinstance(m, PagesWeighed)])
        for value in self.leaderboard.publish()[0]:
            self.write(value)
        self.metrics.take([m for m in messages if isinstance(m, MetricSignals)])
        for told in self.metrics.publish().messages:
            self.write(told)
        self.cards.outcomes([m for m in messages if isinstance(m, OutcomesSettled | OutcomeCorrected)])
        self.learner.interactions([m for m in messages if isinstance(m, Interactions)])
        for message in (*self.cards.statistics(), *self.learner.publish()):
            self.write(message)
            self._broadcast(message)

    def _broadcast(self, message: Struct) -> None:
        """Let everybody read what is published; outcomes are of several generations then."""
        if isinstance(message, CoClusters):
            self.listeners.learned.put_co_clusters(message)
            self.cards.put_co_clusters(message)
        elif isinstance(message, CardGroup):
            self.listeners.learned.put_card_group(message)
            self.cards.put_card_group(message)
        elif isinstance(message, CardStatistics):
            self.listeners.learned.put_statistics(message)


def small_run(settings: Settings | None = None, playing_every_ms: int = 0) -> list[LogRecord]:
    """Some 1,000 events, all exposures settled, in the auditor's reading order."""
    world = SatisfactionWorld(world_settings("W1", users=USERS, cards=CARDS), world_seed=3)
    home = SimulatedHome(world, HomePageSettings(control_share=1.0, playing_every_ms=playing_every_ms), seed=4)
    times = [START_MS + 20_000 * number for number in range(PAGES)]
    home.visit(np.random.default_rng(5).integers(USERS, size=PAGES).tolist(), times, {})
    events = [*map(_reporting, home.events_until(START_MS + 10**10))]
    run = Run(settings or Settings(leaderboard=WEIGHED, metrics=MEASURED))
    for definition in (TESTED, OTHER):
        run.write(definition)
        run.listeners.definitions.put(definition.name, definition)
        run.metrics.put_definition(definition)
    for known in home.catalogue:
        run.write(known)
        run.listeners.learned.put_card(known.card_id, known)
    for first in range(0, len(events), BATCH):
        run.feed(events[first : first + BATCH])
    end_ms = max(event.event_ms for event in events) + 10**7
    run.pass_time("end", end_ms)
    run.pass_time("later", end_ms + 10**6)
    return run.read()


def _reporting(event: Impression | StreamEvent) -> Impression | StreamEvent:
    """Every fifth page reports a variant, and every tenth the same, whoever sees it."""
    if not isinstance(event, Impression) or event.event_ms // 20_000 % 5:
        return event
    return replace(event, assignments="other/y" if event.event_ms // 20_000 % 10 else "other/x tested/b")


def run_with_late_impressions(count: int) -> list[LogRecord]:
    """Pages of one listener that come when event time has long passed, and after the streams that they led to."""
    run, cards = Run(Settings(metrics=MEASURED)), ("c1", "c2", "c3")
    for card_id in cards:
        run.write(card(card_id))
    shown_ms = [START_MS + 10_000 * number for number in range(count)]
    older = impression(event_id="older", event_ms=START_MS - 10_000, cards=("c1",))
    streams = [
        stream_end(
            event_id=f"s{number}-{card_id}",
            card_id=card_id,
            started_ms=at_ms + 1_000,
            event_ms=at_ms + 61_000,
            impression_id=None if card_id == "c1" else f"late-{number}",
        )
        for number, at_ms in enumerate(shown_ms)
        for card_id in cards
    ]
    run.feed([older, *streams])
    run.pass_time("passed", START_MS + 600_000)
    run.feed([impression(event_id=f"late-{n}", event_ms=at_ms, cards=cards) for n, at_ms in enumerate(shown_ms)])
    run.pass_time("end", START_MS + 10**8)
    run.pass_time("later", START_MS + 10**8 + 10**6)
    return run.read()


def run_with_replays(settings: Settings) -> list[LogRecord]:
    """Each card of a few pages is streamed two times before it settles, and once more after."""
    run = Run(settings)
    run.write(card("c1"))
    for number in range(5):
        at_ms = START_MS + 10_000_000 * number
        times = ((1_000, 16_000), (30_000, 20_000), (1_700_000, 200_000))
        streams = [
            stream_end(
                event_id=f"s{number}-{after_ms}",
                started_ms=at_ms + after_ms,
                event_ms=at_ms + after_ms + played_ms,
                played_ms=played_ms,
                impression_id=f"i{number}",
            )
            for after_ms, played_ms in times
        ]
        run.feed([impression(event_id=f"i{number}", event_ms=at_ms, cards=("c1",)), *streams])
    run.pass_time("end", START_MS + 10**9)
    run.pass_time("later", START_MS + 10**9 + 10**6)
    return run.read()


def _place_of(topic: str) -> int:
    return READING_ORDER.index(topic) if topic in READING_ORDER else len(READING_ORDER)
