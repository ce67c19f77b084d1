"""How often a planted change is named: the demo without Kafka, one world a seed, ten hours with a change after five.

Run it as `python -m tests.drift.bench_planted 400 420`, for the worlds of `shelfwise demo --seed 400` to 419; half a
minute a world on one core. A change is *named* by an alert whose two groups have most of their members from the planted
co-cluster. Delays are those between the change and the end of the bucket that fired.
"""

import os
import sys
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from processors.worlds.planted_drift import Block, busiest_block
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from streams.demo.demo_settings import DemoSettings
from streams.settings import load
from tests.pure_loop import PureLoop

HOUR_MS = 3_600_000
MINUTES = 600
WORLD_SEED_ABOVE = 1_000_003  # as the demo's traffic has it


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was alerted in one world."""

    seed: int
    before_count: int
    delays_h: tuple[float, ...]  # of the alerts that name the change
    beside_count: int  # alerts after the change that name another co-cluster
    ari: tuple[float, float]
    generation: int

    def __str__(self) -> str:
        named = f"named after {self.delays_h[0]:.1f} h" if self.delays_h else "not named"
        return (
            f"world {self.seed}: {named}, {self.before_count} alerts before the change, {self.beside_count} beside it, "
            f"groups {self.ari[0]:.2f}/{self.ari[1]:.2f}, generation {self.generation}"
        )


def demo_loop(seed: int) -> PureLoop:
    demo = DemoSettings(seed=seed)
    os.environ.update(demo.worker_environment)
    settings = load()
    return PureLoop(
        SatisfactionWorld(
            world_settings(demo.world, users=demo.users, cards=demo.cards), world_seed=seed + WORLD_SEED_ABOVE
        ),
        listeners=structs.replace(settings.listeners, rewards=("static", settings.ranking.reward)),
        learner=settings.coclusters,
        drift=settings.drift,
        visits_per_minute=demo.visits_per_second * demo.seconds / MINUTES,
        seed=seed,
    )


def play(seed: int) -> Found:
    demo, played = DemoSettings(seed=seed), demo_loop(seed)
    block: Block = busiest_block(played.world, played.activity)
    for _ in range(round(MINUTES * demo.shift_at)):
        played.step()
    changed_ms = played.now_ms
    played.world.shift(*block, demo.shift_log_factor)
    for _ in range(round(MINUTES * (1.0 - demo.shift_at))):
        played.step()
    after = [a for a in played.alerts if a.bucket_ms + demo.drift.bucket_length_ms > changed_ms]
    right = [a for a in after if played.named(a) == block]
    return Found(
        seed=seed,
        before_count=len(played.alerts) - len(after),
        delays_h=tuple((a.bucket_ms + demo.drift.bucket_length_ms - changed_ms) / HOUR_MS for a in right),
        beside_count=len(after) - len(right),
        ari=played.ari(),
        generation=played.model.generation if played.model else 0,
    )


def main(first: int, end: int) -> None:
    worlds = []
    for seed in range(first, end):
        worlds.append(play(seed))
        print(worlds[-1], flush=True)
    delays_h = [world.delays_h[0] for world in worlds if world.delays_h]
    before, beside = (sum(getattr(world, f"{side}_count") for world in worlds) for side in ("before", "beside"))
    print(
        f"named in {len(delays_h)} of {len(worlds)} worlds, after {np.median(delays_h or [np.nan]):.1f} h (median); "
        f"{before} alerts before the change, {beside} beside it"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
