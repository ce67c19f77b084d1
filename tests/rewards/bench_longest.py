"""What success is: how often an exposure has several streams, and what adding them changes against the longest alone.

Random pages in the demo's world, with the same events for both; as it is, and with listeners who play a card again from
the same page one time in five. Run it as `python -m tests.rewards.bench_longest [SEEDS] [HOURS]`.
"""

import sys
from collections import defaultdict

import numpy as np

from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.settings import SettlementSettings
from processors.worlds.home_page import HomePageSettings
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.outcomes import ExposureKey, OutcomeCorrected, OutcomeSettled
from tests.pure_loop import PureLoop

REWARDS = ("static", "mean")
STEP_MS, STEPS_PER_HOUR = 1_800_000, 2
Last = dict[ExposureKey, OutcomeSettled | OutcomeCorrected]


def last_outcomes(seed: int, hours: int, again_share: float, *, longest_only: bool) -> Last:
    """The last outcome of every exposure."""
    loop = PureLoop(
        SatisfactionWorld(world_settings("W1", users=150, cards=60), world_seed=seed),
        listeners=ListenersSettings(
            ranking=RankingSettings(seed=seed),
            rewards=REWARDS,
            settlement=SettlementSettings(longest_only=longest_only),
        ),
        learner=LearnerSettings(warmup_events=1_000),
        drift=DriftSettings(),
        visits_per_minute=20.0,
        seed=seed,
        home=HomePageSettings(control_share=1.0, again_share=again_share),
    )
    for step in range((hours + 8) * STEPS_PER_HOUR):
        if step == hours * STEPS_PER_HOUR:
            loop.visits_per_minute = 0.1  # event time goes on until the last stream has ended
        loop.step(STEP_MS)
    last: Last = {one.exposure: one for one in loop.outcomes}
    last.update((one.exposure, one) for one in loop.corrections)
    return last


def earned(one: OutcomeSettled | OutcomeCorrected, reward: int) -> float:
    """What an exposure has earned, over its listener's soft group."""
    by_reward = np.array(one.credits).reshape(len(REWARDS), -1)
    return float(by_reward[reward] @ np.array(one.user_weights))


def main(seeds: int, hours: int) -> None:
    for again_share in (0.0, 0.2):
        sums: dict[str, float] = defaultdict(float)
        for seed in range(1, seeds + 1):
            together = last_outcomes(seed, hours, again_share, longest_only=False)
            longest = last_outcomes(seed, hours, again_share, longest_only=True)
            assert together.keys() == longest.keys()
            for exposure, one in together.items():
                sums["exposures"] += 1
                sums["streamed"] += one.played_ms > 0
                sums["several"] += one.stream_count > 1
                for reward, name in enumerate(REWARDS if one.played_ms else ()):
                    sums[f"{name} sum"] += earned(one, reward)
                    sums[f"{name} longest"] += earned(longest[exposure], reward)
        print(
            f"played again {again_share:.0%}: {sums['exposures']:.0f} exposures, {sums['streamed']:.0f} streamed, "
            f"{100 * sums['several'] / sums['streamed']:.2f}% of these with several streams",
            *(
                f"{name}: {sums[f'{name} sum']:.1f} by the sum, {sums[f'{name} longest']:.1f} by the longest "
                f"({100 * (sums[f'{name} longest'] / sums[f'{name} sum'] - 1.0):+.2f}%)"
                for name in REWARDS
            ),
            sep="\n  ",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, int(sys.argv[2]) if len(sys.argv) > 2 else 12)
