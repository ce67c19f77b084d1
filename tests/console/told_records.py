"""Records of every topic that the console reads: a learned loop, incidents, values and dead letters."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.rewards.reward_catalogue import COMPARED
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.codec import encode
from schemas.dead_letters import DeadLetter
from schemas.impressions import Impression, ShownShelf
from schemas.learning import CardGroup, CoClusters
from schemas.metric_windows import ExperimentDecision, MetricAlarm, MetricDifference
from schemas.monitoring import CalibratedTenth, DriftIncident, EngagementMetrics
from schemas.outcomes import OutcomeCorrected, OutcomeSettled, OutcomesSettled
from schemas.rankings import ShelfRanking
from schemas.stream_ends import StreamEnd
from streams.auditing.reading import LogRecord
from streams.console.console_state import ConsoleState
from tests.builders import experiment
from tests.leaderboard.told_values import told
from tests.pure_loop import PureLoop

NOW_MS = 1_800_000_000_000
STAMP_MS = NOW_MS - 5_000
SHORT_BINS = 14
"""Streams of less than half a minute."""
HOSTILE = '<script>alert("title")</script>'
"""A title as an editor should not write it."""


def record(topic: str, key: str, message: Struct | None, **changes: Any) -> LogRecord:
    value = None if message is None else encode(message)
    plain = LogRecord(topic, 0, 0, key.encode(), value, (), STAMP_MS)
    return plain._replace(**changes)


def incident(**changes: Any) -> DriftIncident:
    opened = DriftIncident(
        incident_id="i1", number=1, state="open", quantity="streaming-time", subjects=("1.2", "1.1"), label="sleep",
        generation=1, severity="severe", impact=0.12, traffic=0.06, opened_ms=9_000_000, change_ms=7_200_000,
        bucket_ms=9_000_000, before=5.0, after=3.0, size=-2.0, size_low=-2.4, size_high=-1.6,
    )  # fmt: skip
    return replace(opened, **changes)


def letter(
    topic: str = "impressions", reason: Any = "not_json", *, value: bytes = b"{<b>", offset: int = 7
) -> LogRecord:
    why = DeadLetter(topic=topic, partition=0, offset=offset, timestamp_ms=STAMP_MS, reason=reason, detail="cut off")
    return LogRecord(f"{topic}.dlq", 0, 0, b"u1", value, why.headers(), STAMP_MS)


class Learned(Struct, frozen=True, kw_only=True):
    """What a loop has learned."""

    model: CoClusters
    card_groups: tuple[CardGroup, ...]
    pages: tuple[ShelfRanking, ...]
    records: tuple[LogRecord, ...]


class _Watched(PureLoop):
    """Keeps messages of card groups, which the loop itself only passes on."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self.placed: dict[str, CardGroup] = {}
        super().__init__(*arguments, **settings)

    def _route(self, messages: Any) -> None:
        messages = list(messages)
        self.placed |= {message.card_id: message for message in messages if isinstance(message, CardGroup)}
        super()._route(messages)


@cache
def learned() -> Learned:
    """Played once in a test run, until groups are found."""
    loop = _Watched(
        SatisfactionWorld(world_settings("W1", users=60, cards=40), world_seed=3),
        listeners=ListenersSettings(ranking=RankingSettings(seed=3), rewards=COMPARED),
        learner=LearnerSettings(warmup_events=400),
        drift=DriftSettings(),
        visits_per_minute=20.0,
        seed=3,
    )
    while loop.model is None or not loop.metrics:
        loop.step(5 * 60_000)
        assert loop.counts["events"] < 20_000, "the learner has warmed up by now"
    cards = {card.card_id: card for card in loop.home.catalogue}
    cards["c0"] = replace(cards["c0"], title=HOSTILE)
    records = [
        *(record("catalogue", card_id, card) for card_id, card in cards.items()),
        *(record("card-groups", card_id, group) for card_id, group in loop.placed.items()),
        record("co-clusters", "model", loop.model),
        *(record("shelf-rankings", page.key, page) for page in loop.pages.values()),
        *(record("engagement-metrics", bucket.variant, bucket) for bucket in loop.metrics),
    ]
    return Learned(
        model=loop.model,
        card_groups=tuple(loop.placed.values()),
        pages=tuple(loop.pages.values()),
        records=tuple(records),
    )


def decision(**changes: Any) -> ExperimentDecision:
    said = ExperimentDecision(
        experiment="warm-start", revision=1, decision="ship", winner="warm", reasons=("warm is better by the goal",),
        goal="stream-rate", event_ms=9_000_000, listeners={"cold": 5_000, "warm": 5_020},
        expected_shares={"cold": 0.5, "warm": 0.5}, ratio_p=0.8, crossed=0,
        differences=(
            MetricDifference(variant="warm", metric="stream-rate", control_value=0.2, value=0.22, difference=0.02,
                             relative=0.1, standard_error=0.004, low=0.008, high=0.032, variance_left=0.6, role="goal"),
        ),
        signal_count=9,
    )  # fmt: skip
    return replace(said, **changes)


def alarm(**changes: Any) -> MetricAlarm:
    raised = MetricAlarm(
        alarm_id="a1", number=1, state="open", surface="home", experiment="warm-start", variant="warm", baseline="cold",
        metric="success-rate", kpi="returning", event_ms=9_000_000, metric_difference=0.04, metric_low=0.01,
        metric_high=0.07, kpi_difference=-0.03, kpi_low=-0.05, kpi_high=-0.01,
    )  # fmt: skip
    return replace(raised, **changes)


def calibrated(*tenths: tuple[float, float, float, float]) -> EngagementMetrics:
    """A bucket whose exposures were expected to earn so much, and did or did not."""
    rows = tenths or ((400.0, 0.05, 0.048, 0.01), (410.0, 0.11, 0.13, 0.017), (390.0, 0.3, 0.28, 0.023))
    return EngagementMetrics(
        variant="all", bucket_ms=90_000_000, bucket_length_ms=60_000, exposures=1_200.0, streamed=200.0, streams=200.0,
        played_s=9_000.0, stream_rate=0.17,
        calibration=tuple(
            CalibratedTenth(exposures=count, expected=expected, realised=realised, standard_error=error)
            for count, expected, realised, error in rows
        ),
    )  # fmt: skip


def active() -> ShelfRanking:
    """The page of a listener of whom more is known than a ranking."""
    return next(page for page in learned().pages if page.user_id == "u1")


def lately() -> list[LogRecord]:
    """A page of a listener with three cards that were seen: one was streamed, one was streamed late, one is pending."""
    page = active()
    shelf = page.shelves[0]
    shown = ShownShelf(shelf_id=shelf.shelf_id, cards=shelf.cards, propensities=shelf.propensities, seen=(0, 1, 2))
    impression = Impression(
        event_id="i1", user_id=page.user_id, event_ms=10_000_000, shelves=(shown,), reward_version="mean"
    )
    streamed = StreamEnd(
        event_id="s1", user_id=page.user_id, card_id=shelf.cards[0], started_ms=10_000_000, event_ms=10_180_000,
        played_ms=180_000,
    )  # fmt: skip
    place: dict[str, Any] = {"impression_id": "i1", "row": 0, "user_id": page.user_id, "shown_ms": 10_000_000}
    earned: dict[str, Any] = {"rewards": "static,mean", "user_weights": (0.25, 0.75), "stream_count": 1}
    settled = OutcomeSettled(
        **place, **earned, slot=0, shelf_id=shelf.shelf_id, card_id=shelf.cards[0], settled_ms=10_090_000,
        played_ms=180_000, propensity=0.5, generation=1, credits=(1.0, 1.0, 1.0, 0.0),
    )  # fmt: skip
    corrected = OutcomeCorrected(
        **place, **earned, slot=1, card_id=shelf.cards[1], stream_event_id="s2", corrected_ms=10_100_000, previous_ms=0,
        played_ms=40_000, credits=(1.0, 1.0, 0.0, 1.0),
    )  # fmt: skip
    return [
        record("impressions", page.user_id, impression),
        record("stream-ends", page.user_id, streamed),
        record("outcomes", shelf.cards[0], OutcomesSettled.of([settled])),
        record("outcomes", shelf.cards[1], corrected),
    ]


def earlier() -> list[LogRecord]:
    """Co-clusters around the change of the incident, of more streams than later: short ones of 1.2 have come since."""
    model = learned().model
    assert model.times is not None
    since = 40.0 * np.array(model.times.histogram)
    before = 0.6 * since
    before[1, 2, :SHORT_BINS] = 0.0
    return [
        record("co-clusters", "model", replace(
            model, event_ms=event_ms,
            times=replace(model.times, histogram=tuple(tuple(map(tuple, row)) for row in counts.round(3).tolist())),
        ))
        for event_ms, counts in ((3_600_000, 0.0 * since), (7_000_000, before), (9_000_000, since))
    ]  # fmt: skip


def everything() -> list[LogRecord]:
    """Something of every topic."""
    generation = learned().model.generation
    values = [
        told(),
        told(candidate="mean/epsilon-greedy-0.1", value=0.19),
        told(candidate="median/greedy", value=0.25, low_anytime=0.2, high_anytime=0.3, difference=0.06,
             difference_low_anytime=0.02, difference_high_anytime=0.1, is_worth_testing=True),
        told(candidate="additive/greedy", withheld="the effective sample is 12: log more pages"),
        told(candidate="static/greedy", yardstick="minutes", value=3.2),
    ]  # fmt: skip
    incidents = [
        incident(generation=generation),
        incident(incident_id="i2", quantity="stream-rate", subjects=("learning",), label="learning", severity="minor",
                 state="closed", closed_as="returned", number=2, before=0.2, after=0.15, size=-0.05, size_low=-0.07,
                 size_high=-0.03, bucket_ms=12_000_000),
    ]  # fmt: skip
    return [
        *earlier(),
        *learned().records,
        record("engagement-metrics", "all", calibrated()),
        *lately(),
        *(record("policy-values", value.key, value) for value in values),
        *(record("drift-incidents", one.incident_id, one) for one in incidents),
        record("experiments", "warm-start", experiment("warm-start", shares={"cold": 0.5, "warm": 0.5})),
        record("experiment-decisions", "warm-start", decision()),
        record("metric-alarms", "a1", alarm()),
        *(letter(offset=offset) for offset in range(5)),
        letter("stream-ends", "wrong_partition", value=b"x" * 900),
    ]


def state_of(records: Sequence[LogRecord], **settings: Any) -> ConsoleState:
    state = ConsoleState(**{"listener_history": True, **settings})
    state.take(records)
    state.unread_count = 0
    return state
