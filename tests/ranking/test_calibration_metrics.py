"""Engagement metrics tell whether expected rewards come true: of every exposure once, whatever crashes."""

from functools import cache

import pytest

from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.settings import SettlementSettings
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.monitoring import EngagementMetrics
from tests.pure_loop import PureLoop

REWARDS = ("static", "mean")
STEP_MS = 600_000


@cache
def played() -> PureLoop:
    """Some hours, and then hardly a visit until all is corrected; there is one group, so that credits are rewards."""
    loop = PureLoop(
        SatisfactionWorld(world_settings("W1", users=100, cards=30), world_seed=5),
        listeners=ListenersSettings(
            ranking=RankingSettings(reward="static"), rewards=REWARDS, settlement=SettlementSettings(horizon_ms=600_000)
        ),
        learner=LearnerSettings(warmup_events=10**9),
        drift=DriftSettings(),
        visits_per_minute=10.0,
        seed=6,
    )
    for step in range(90):
        if step == 40:
            loop.visits_per_minute = 0.2
        loop.step(STEP_MS)
    return loop


def tables(metrics: list[EngagementMetrics]) -> list[EngagementMetrics]:
    return [one for one in metrics if one.calibration]


def test_the_table_is_of_all_that_settled_and_its_rewards_are_what_was_earned_in_the_end() -> None:
    loop = played()
    closed_ms = max(one.bucket_ms + one.bucket_length_ms for one in loop.metrics)
    last = {one.exposure: (one.settled_ms, one.credits) for one in loop.outcomes if one.settled_ms < closed_ms}
    corrected = [one for one in loop.corrections if one.exposure in last and one.corrected_ms < closed_ms]
    assert len(corrected) > 20
    for one in corrected:
        last[one.exposure] = (one.corrected_ms, one.credits)
    rows = tables(loop.metrics)[-1].calibration
    assert sum(row.exposures for row in rows) == pytest.approx(len(last))
    earned = sum(told[0] for _, told in last.values() if told)
    assert sum(row.exposures * row.realised for row in rows) == pytest.approx(earned, abs=0.05)
    expected = [row.expected for row in rows]
    assert expected == sorted(expected)
    assert len(rows) > 3
    assert all(one.variant == "all" for one in tables(loop.metrics))


def test_expectations_of_what_is_learned_come_true() -> None:
    rows = tables(played().metrics)[-1].calibration
    off = sum(row.exposures * abs(row.expected - row.realised) for row in rows) / sum(row.exposures for row in rows)
    assert off < 0.03
    assert rows[-1].realised > rows[0].realised


def test_a_crash_after_any_message_changes_no_table() -> None:
    loop, kept, found = played(), dict[bytes, bytes](), list[EngagementMetrics]()
    for message in loop.sums:
        monitor = EngagementMonitor(DriftSettings())
        monitor.restore(kept.items())
        found += [one for one in monitor.engagement([message]) if isinstance(one, EngagementMetrics)]
        for key, value in monitor.changed_rows():
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
    assert [one.calibration for one in found] == [one.calibration for one in loop.metrics]
