"""What acting on drift is worth: the demo's worlds without Kafka, a change half-way, with each action of the settings.

Run it as `python -m tests.drift.bench_actions 500 504`, for the worlds 500 to 503; five plays a world, half a minute
each on one core. Stream rate and log1p(seconds) are of exposures of ranked pages after the change; the error is that
of the model's mean log1p(seconds) of co-clusters at the end, against the mean of the streams of the last hour in them.
"""

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from msgspec import structs

from processors.cocluster.online.settings import LearnerSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.worlds.planted_drift import busiest_block
from tests.drift.bench_planted import HOUR_MS, MINUTES, demo_loop
from tests.pure_loop import PureLoop

Change = Callable[[RankingSettings, LearnerSettings], tuple[RankingSettings, LearnerSettings]]
ACTIONS: dict[str, Change] = {
    "none": lambda ranking, learner: (ranking, learner),
    "epsilon 0.3": lambda ranking, learner: (structs.replace(ranking, drift_epsilon=0.3), learner),
    "half-life 1 h": lambda ranking, learner: (ranking, replace(learner, drift_half_life_ms=HOUR_MS)),
    "rethink": lambda ranking, learner: (ranking, replace(learner, rethink_on_drift=True)),
    "half-life and rethink": lambda ranking, learner: (
        ranking,
        replace(learner, drift_half_life_ms=HOUR_MS, rethink_on_drift=True),
    ),
}


def play(seed: int, action: str) -> tuple[float, float, float]:
    """Stream rate and mean log1p(seconds) of exposures after the change, and the mean absolute error of the blocks."""
    played = demo_loop(seed, ACTIONS[action])
    block = busiest_block(played.world, played.activity)
    for _ in range(MINUTES // 2):
        played.step()
    changed_ms = played.now_ms
    played.world.shift(*block, -np.log(12.0))
    for _ in range(MINUTES - MINUTES // 2):
        played.step()
    after = [one for one in played.outcomes if one.shown_ms >= changed_ms and one.logged.policy_version != "uniform"]
    seconds = np.array([one.played_ms / 1_000.0 for one in after])
    return float((seconds >= 30.0).mean()), float(np.log1p(seconds).mean()), block_error(played)


def block_error(played: PureLoop) -> float:
    """Mean absolute error of the learned means, weighted by the streams of the last hour in each block."""
    assert played.model is not None
    mean, shape = np.array(played.model.mean), np.shape(played.model.mean)
    total, count = np.zeros(shape), np.zeros(shape)
    for sums in played.sums:
        if sums.bucket_ms >= played.now_ms - HOUR_MS and sums.generation == played.model.generation:
            columns = zip(sums.user_group, sums.card_group, sums.log_total, sums.streams, strict=True)
            for user_group, card_group, log_total, streams in columns:
                if card_group >= 0:
                    total[user_group, card_group] += log_total
                    count[user_group, card_group] += streams
    told = count >= 20
    return float(np.average(np.abs(mean[told] - total[told] / count[told]), weights=count[told]))


def main(first: int, end: int) -> None:
    for seed in range(first, end):
        for action in ACTIONS:
            rate, length, error = play(seed, action)
            told = f"stream rate {rate:.4f} log length {length:.4f} error {error:.3f}"
            print(f"world {seed} {action:22} {told}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
