"""The demo's results, as numbers."""

from typing import Any

import numpy as np
from msgspec import Struct

from processors.ranking.calibration import CalibrationRow
from processors.worlds.agreement import adjusted_rand
from processors.worlds.home_page import CONTROL, LEARNING
from processors.worlds.planted_drift import planted_majority
from schemas.codec import decode
from schemas.monitoring import DriftAlert
from schemas.outcomes import OutcomeCorrected, OutcomeSettled, one_by_one
from schemas.policy_values import PolicyValue
from schemas.rankings import ShelfRanking
from streams.auditing.audit import SETTLEMENT_TOPICS, audit
from streams.auditing.findings import Audit
from streams.auditing.reading import read_committed
from streams.auditing.settlement_rules import AuditRules
from streams.demo.arms import ArmRate, arm_rates
from streams.demo.calibrated import demo_calibration, learned_at_last
from streams.demo.demo_traffic import Traffic
from streams.demo.watcher import Watcher

DRIFT_PLAYED_S_MIN = 59.0
"""Minimum duration for the drift verdict: a change can only be detected against enough data from before it."""


class PlantedShift(Struct, frozen=True, kw_only=True):
    """The planted change, and its detection.

    An alert precedes the change if the bucket at which it fired had ended by then. Alerts for buckets after the end of
    play are ignored: only long streams end there. The delay is measured from the change to the earliest time of the
    naming alert: the end of its bucket plus the grace.
    """

    planted_user_group: int
    planted_card_group: int
    shifted_ms: int
    alerts_before: int
    alerts_after: int
    alerts_naming: int
    named: bool
    delay_event_s: float | None
    delay_wall_s: float | None


class Report(Struct, frozen=True, kw_only=True):
    """The complete report; `passed` says whether all of the demo's claims hold.

    `drift_found` is None if play was too short to tell.
    """

    passed: bool
    drift_found: bool | None
    seconds: float
    seed: int
    events: int
    events_per_second: float
    first_ranking_s: float | None
    outcomes: int
    rankings: int
    ranking_latency_ms: dict[str, float]
    stream_rates: dict[str, ArmRate]
    stream_rates_last_third: dict[str, ArmRate]
    learning_beats_random: bool
    ari_users: float
    ari_cards: float
    generation: int
    thresholds_s: dict[str, Any]
    calibration: list[CalibrationRow]
    shift: PlantedShift | None
    alerts: list[DriftAlert]
    counters: dict[str, int]
    dead_letters: int
    leaderboard: list[PolicyValue]
    audit: Audit


async def make_report(bootstrap: str, traffic: Traffic, watcher: Watcher, rules: AuditRules) -> Report:
    """Read the topics again in full, and build the report."""
    found = await audit(bootstrap, rules, topics=SETTLEMENT_TOPICS)
    outcomes = list(one_by_one(decode("outcomes", value) for _, value in await read_committed(bootstrap, "outcomes")))
    ranking_values = await read_committed(bootstrap, "shelf-rankings")
    newest: dict[str, ShelfRanking] = {}
    for _, value in ranking_values:
        ranking: ShelfRanking = decode("shelf-rankings", value)
        newest[ranking.user_id] = ranking
    dead = [len(await read_committed(bootstrap, topic)) for topic in ("impressions.dlq", "stream-ends.dlq")]
    elapsed_ms = int(traffic.settings.seconds * 1_000 * traffic.settings.speed)
    last_third = arm_rates(outcomes, from_ms=traffic.base_ms + 2 * elapsed_ms // 3)
    better = _is_better(last_third)
    shift = _shift(traffic, watcher, newest)
    drift_found = drift_verdict(shift, traffic.played_s)
    latencies = np.array(traffic.latencies_s or [np.nan]) * 1_000
    return Report(
        passed=found.holds and better and drift_found is not False,
        drift_found=drift_found,
        seconds=round(traffic.played_s, 1),
        seed=traffic.settings.seed,
        events=traffic.events_count,
        events_per_second=round(traffic.events_count / max(traffic.played_s, 1e-9), 1),
        first_ranking_s=traffic.first_ranking_s,
        outcomes=len(outcomes),
        rankings=len(ranking_values),
        ranking_latency_ms={f"p{q}": round(float(np.quantile(latencies, q / 100)), 1) for q in (50, 95, 99)},
        stream_rates=arm_rates(outcomes),
        stream_rates_last_third=last_third,
        learning_beats_random=better,
        ari_users=_ari(_users(traffic, newest)),
        ari_cards=_ari(_cards(traffic, watcher)),
        generation=watcher.co_clusters.generation if watcher.co_clusters else 0,
        thresholds_s=watcher.co_clusters.thresholds_s if watcher.co_clusters else {},
        calibration=await _calibration(bootstrap, traffic, watcher, outcomes),
        shift=shift,
        alerts=watcher.alerts,
        counters=watcher.counters,
        dead_letters=sum(dead),
        leaderboard=await _leaderboard(bootstrap),
        audit=found,
    )


async def _leaderboard(bootstrap: str) -> list[PolicyValue]:
    newest = dict(await read_committed(bootstrap, "policy-values"))
    return [decode("policy-values", value) for value in newest.values() if value is not None]


async def _calibration(
    bootstrap: str, traffic: Traffic, watcher: Watcher, outcomes: list[OutcomeSettled | OutcomeCorrected]
) -> list[CalibrationRow]:
    """Deciles of the last third, when thresholds have come to rest."""
    rewards = {page.reward_version for page in traffic.shown.values()}
    if watcher.co_clusters is None or len(rewards) != 1:
        return []
    groups = [group for _, group in sorted(watcher.card_groups.items())]
    learned = learned_at_last(rewards.pop(), traffic.catalogue(), watcher.co_clusters, groups)
    impressions = [decode("impressions", value) for _, value in await read_committed(bootstrap, "impressions")]
    elapsed_ms = int(traffic.settings.seconds * 1_000 * traffic.settings.speed)
    from_ms = traffic.base_ms + 2 * elapsed_ms // 3
    return demo_calibration(learned, traffic.shown, impressions, outcomes, from_ms=from_ms)


def drift_verdict(shift: PlantedShift | None, played_s: float) -> bool | None:
    """Whether the planted change was named, without an alert before it; None if play was too short to tell.

    >>> drift_verdict(None, played_s=30.0), drift_verdict(None, played_s=60.0)
    (None, False)
    """
    if played_s < DRIFT_PLAYED_S_MIN:
        return None
    return shift is not None and shift.named and not shift.alerts_before


def _is_better(rates: dict[str, ArmRate]) -> bool:
    return LEARNING in rates and CONTROL in rates and rates[LEARNING].low > rates[CONTROL].high


def _is_listener(user_id: str) -> bool:
    return user_id.startswith("u") and user_id[1:].isdigit()


def _is_card(card_id: str) -> bool:
    return card_id.startswith("c") and card_id[1:].isdigit()


def _group(ranking: ShelfRanking) -> int:
    return int(np.argmax(ranking.user_weights)) if ranking.user_weights else 0


def _ari(pairs: list[tuple[int, int]]) -> float:
    """Adjusted Rand index between planted and learned groups."""
    planted, learned = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return round(adjusted_rand(planted, learned), 4) if pairs else 0.0


def _shift(traffic: Traffic, watcher: Watcher, newest: dict[str, ShelfRanking]) -> PlantedShift | None:
    if traffic.shift is None:
        return None
    user_group, card_group, shifted_ms = traffic.shift
    drift = traffic.settings.drift
    alerts = [alert for alert in watcher.alerts if alert.bucket_ms < traffic.ended_ms]
    after = [alert for alert in alerts if alert.bucket_ms + drift.bucket_length_ms > shifted_ms]
    users, cards = _users(traffic, newest), _cards(traffic, watcher)
    planted = (user_group, card_group)
    naming = [alert for alert in after if _planted_block(alert, users, cards) == planted]
    known_ms = [alert.bucket_ms + drift.bucket_length_ms + drift.grace_ms for alert in naming]
    delay_s = (known_ms[0] - shifted_ms) / 1_000 if naming else None
    return PlantedShift(
        planted_user_group=user_group,
        planted_card_group=card_group,
        shifted_ms=shifted_ms,
        alerts_before=len(alerts) - len(after),
        alerts_after=len(after),
        alerts_naming=len(naming),
        named=bool(naming),
        delay_event_s=delay_s,
        delay_wall_s=None if delay_s is None else round(delay_s / traffic.settings.speed, 2),
    )


def _users(traffic: Traffic, newest: dict[str, ShelfRanking]) -> list[tuple[int, int]]:
    """Planted and learned groups of the listeners."""
    return [
        (int(traffic.world.user_group[int(user[1:])]), _group(ranking))
        for user, ranking in newest.items()
        if _is_listener(user)
    ]


def _cards(traffic: Traffic, watcher: Watcher) -> list[tuple[int, int]]:
    """Planted and learned groups of the cards."""
    return [
        (int(traffic.world.card_group[int(card[1:])]), group.group)
        for card, group in watcher.card_groups.items()
        if _is_card(card)
    ]


def _planted_block(
    alert: DriftAlert, users: list[tuple[int, int]], cards: list[tuple[int, int]]
) -> tuple[int | None, int | None]:
    """The planted co-cluster of an alert: the one that most members of its two groups come from."""
    return planted_majority(users, alert.user_group), planted_majority(cards, alert.card_group)
