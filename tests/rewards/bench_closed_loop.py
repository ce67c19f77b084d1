"""The closed loop on planted satisfaction: pages ranked by the co-cluster's reward against pages ranked by 30 s.

Everything is learned on the way: listeners react to the pages that they are given, groups, thresholds and statistics
follow. Both loops have the same world, listeners and seeds; only `ranking.reward` differs. Run it as
`python -m tests.rewards.bench_closed_loop [SEEDS] [HOURS]`; about a minute a seed.
"""

import sys

import numpy as np

from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.worlds.home_page import CONTROL, LEARNING
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from processors.worlds.yardsticks import yardsticks
from tests.pure_loop import PureLoop

STEP_MS = 300_000
STEPS_PER_HOUR = 12


def satisfaction(reward: str, seed: int, hours: int) -> tuple[float, float, int, tuple[float, float]]:
    """Planted satisfaction per exposure of the learning arm and of random pages, in the last half; exposures; ARI."""
    world = SatisfactionWorld(world_settings("W1", users=600, cards=120), world_seed=seed)
    loop = PureLoop(
        world,
        listeners=ListenersSettings(ranking=RankingSettings(seed=seed, reward=reward), rewards=("static", "mean")),
        learner=LearnerSettings(warmup_events=1_000),
        drift=DriftSettings(),
        visits_per_minute=60.0,
        seed=seed + 1_000,
    )
    for _ in range(hours * STEPS_PER_HOUR):
        loop.step(STEP_MS)
    late_ms = loop.now_ms - hours * STEPS_PER_HOUR * STEP_MS // 2
    truth = yardsticks(world).ysat
    by_arm = {LEARNING: [], CONTROL: []}  # type: dict[str, list[float]]
    for outcome in loop.outcomes:
        if outcome.shown_ms >= late_ms:
            by_arm[outcome.variant].append(truth[int(outcome.user_id[1:]), int(outcome.card_id[1:])])
    learning, control = (float(np.mean(by_arm[arm])) for arm in (LEARNING, CONTROL))
    return learning, control, len(by_arm[LEARNING]), loop.ari()


def main(seeds: int, hours: int) -> None:
    gains = []
    for seed in range(1, seeds + 1):
        mean, static = (satisfaction(reward, seed, hours) for reward in ("mean", "static"))
        gains.append(mean[0] / static[0] - 1.0)
        print(
            f"seed {seed}: ysat mean {mean[0]:.4f}, static {static[0]:.4f}, random {mean[1]:.4f}; "
            f"{100 * gains[-1]:+.1f} %; {mean[2]} exposures; ARI {mean[3][0]:.2f}/{mean[3][1]:.2f}",
            flush=True,
        )
    error = np.std(gains, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else float("nan")
    print(f"co-cluster reward over static, paired: {100 * np.mean(gains):+.1f} ± {100 * error:.1f} %, {seeds} seeds")
    assert np.mean(gains) > 0.0


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:3])) if len(sys.argv) > 2 else main(5, 10)
