"""The whole loop without Kafka: a world that does not change is silent; where one co-cluster changes, it is named.

Not in every world: with the demo's settings in 11 of 12 (`tests/drift/bench_planted.py`). These are small and quick:
of five, two were named within two hours, and a neighbour in a third.
"""

import pytest

from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.worlds.planted_drift import Block, busiest_block
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from tests.pure_loop import PureLoop

HOUR_MS = 3_600_000
STEP_MS = 300_000
BUCKET_MS = 1_200_000


def loop(seed: int) -> PureLoop:
    return PureLoop(
        SatisfactionWorld(world_settings("W1", users=150, cards=60), world_seed=seed),
        listeners=ListenersSettings(ranking=RankingSettings(seed=seed), bucket_length_ms=BUCKET_MS),
        learner=LearnerSettings(warmup_events=2_000, half_life_ms=4 * 3_600_000, rethink_growth=20.0, stuck_test=False),
        drift=DriftSettings(
            bucket_length_ms=BUCKET_MS, settling_buckets=1, reference_buckets=3, false_alarms_per_million=10.0
        ),
        visits_per_minute=20.0,
        seed=seed + 100,
    )


def play(seed: int, *, change: bool) -> tuple[PureLoop, Block, int]:
    played = loop(seed)
    block = busiest_block(played.world, played.activity)
    for _ in range(4 * HOUR_MS // STEP_MS):
        played.step(STEP_MS)
    changed_ms = played.now_ms
    if change:
        played.world.shift(*block, -2.5)
    for _ in range(2 * HOUR_MS // STEP_MS):
        played.step(STEP_MS)
    return played, block, changed_ms


@pytest.mark.parametrize("seed", [2, 6])
def test_the_co_cluster_that_changes_is_named_and_nothing_before_it(seed: int) -> None:
    played, block, changed_ms = play(seed, change=True)
    assert all(alert.bucket_ms + BUCKET_MS > changed_ms for alert in played.alerts)
    assert block in [played.named(alert) for alert in played.alerts]


def test_a_world_that_does_not_change_is_silent() -> None:
    assert play(3, change=False)[0].alerts == []
