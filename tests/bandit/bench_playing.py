"""How far content that runs for hours is held down, with and without messages of what is still playing.

A world with Sleep lists: the streams of one card group last three hours, those of the others ten minutes. Every hour
the statistics are compared with what the same exposures have earned in the end, when all their streams are known, with
the same forgetting. Pages are random. Run it as `python -m tests.bandit.bench_playing [SEEDS]`.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.worlds.home_page import HomePageSettings
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.outcomes import ExposureKey
from tests.pure_loop import PureLoop

REWARDS = ("static", "mean")
HOUR_MS, STEP_MS = 3_600_000, 1_800_000
BEGIN_H, END_H, DRAIN_H = 12, 30, 14
SLEEP_S, OTHER_S = 3 * 3_600.0, 600.0
Estimates = dict[tuple[int, int, bool, str], tuple[float, float]]
"""By hour, half-life, sleep and reward: reward and exposures, in the statistics or in the end."""


def planted(seed: int) -> SatisfactionWorld:
    """Group 0 of the cards are Sleep lists."""
    world = SatisfactionWorld(world_settings("W4", users=200, cards=36), world_seed=seed)
    world.log_mean = np.full_like(world.log_mean, np.log(OTHER_S))
    world.log_mean[:, 0] = np.log(SLEEP_S)
    return world


def biases(seed: int, half_life_h: int, playing_every_ms: int) -> Iterator[tuple[bool, str, float]]:
    """Relative error of the mean reward of Sleep lists and of others, by reward, hour by hour."""
    half_life_ms = half_life_h * HOUR_MS
    world = planted(seed)
    loop = PureLoop(
        world,
        listeners=ListenersSettings(ranking=RankingSettings(seed=seed), rewards=REWARDS),
        learner=LearnerSettings(warmup_events=800),
        drift=DriftSettings(),
        visits_per_minute=5.0,
        seed=seed,
        home=HomePageSettings(control_share=1.0, organic_share=0.0, playing_every_ms=playing_every_ms),
        half_life_ms=half_life_ms,
    )
    at_hour: dict[int, tuple[int, dict[tuple[bool, str], float]]] = {}
    for step in range((END_H + DRAIN_H) * HOUR_MS // STEP_MS):
        if step == END_H * HOUR_MS // STEP_MS:
            loop.visits_per_minute = 0.05  # event time goes on until the last stream has ended
        loop.step(STEP_MS)
        hour, rest = divmod((step + 1) * STEP_MS, HOUR_MS)
        if not rest and BEGIN_H <= hour <= END_H:
            at_hour[hour] = (len(loop.outcomes), told(loop, world))
    earned = in_the_end(loop)
    for count, found in at_hour.values():
        sums = defaultdict(lambda: np.zeros(2))
        newest_ms = max(one.shown_ms for one in loop.outcomes[:count])
        for one in loop.outcomes[:count]:
            weight = 2.0 ** ((one.shown_ms - newest_ms) / half_life_ms) if half_life_ms else 1.0
            for index, reward in enumerate(REWARDS):
                kind = is_sleep(world, one.card_id), reward
                sums[kind] += weight * np.array([earned[one.exposure][index], 1.0])
        for (sleep, reward), mean in found.items():
            reached = sums[sleep, reward]
            yield sleep, reward, mean / (reached[0] / reached[1]) - 1.0


def is_sleep(world: SatisfactionWorld, card_id: str) -> bool:
    """Whether a card is a Sleep list."""
    return bool(world.card_group[int(card_id[1:])] == 0)


def told(loop: PureLoop, world: SatisfactionWorld) -> dict[tuple[bool, str], float]:
    """Mean rewards by the statistics of now."""
    table = loop.cards.table
    names = sorted(table.row)
    kinds = np.array([is_sleep(world, name) for name in names])
    means = {}
    for reward in REWARDS:
        exposures, total, _ = table.current(table.rows_of(names), reward)
        for sleep in (True, False):
            means[sleep, reward] = float(total[kinds == sleep].sum() / exposures[kinds == sleep].sum())
    return means


def in_the_end(loop: PureLoop) -> dict[ExposureKey, list[float]]:
    """What each exposure has earned by its last outcome, by reward."""
    earned = {one.exposure: by_reward(one.credits, one.user_weights) for one in loop.outcomes}
    for one in loop.corrections:
        earned[one.exposure] = by_reward(one.credits, one.user_weights)
    return earned


def by_reward(earned: tuple[float, ...], weights: tuple[float, ...]) -> list[float]:
    """Credits by reward, over the soft group."""
    if not earned:
        return [0.0] * len(REWARDS)
    return [float(row) for row in np.array(earned).reshape(len(REWARDS), -1) @ np.array(weights)]


def main(seeds: int) -> None:
    for half_life_h in (0, 6):
        for playing_every_ms in (0, 600_000):
            found: dict[tuple[bool, str], list[float]] = defaultdict(list)
            for seed in range(1, seeds + 1):
                of_seed: dict[tuple[bool, str], list[float]] = defaultdict(list)
                for sleep, reward, bias in biases(seed, half_life_h, playing_every_ms):
                    of_seed[sleep, reward].append(bias)
                for kind, values in of_seed.items():
                    found[kind].append(float(np.mean(values)))
            for (sleep, reward), values in sorted(found.items(), reverse=True):
                error = np.std(values, ddof=1) / np.sqrt(seeds) if seeds > 1 else float("nan")
                which, how = "Sleep" if sleep else "others", "every 10 min" if playing_every_ms else "no messages"
                print(
                    f"half-life {half_life_h or 'none':>4} h, {how:12s} {which:6s} {reward:6s} "
                    f"{100 * np.mean(values):+6.1f} ± {100 * error:.1f} %",
                    flush=True,
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
