"""Recovery of the planted worlds a-d: online learner against a label-free batch fit and a start at the truth.

    python -m tests.cocluster.bench_planted [--quick] [--worlds abcd] [--seeds 5] [--no-batch]

Adjusted Rand index users/cards on nodes with at least five interactions (and over all nodes), per seed and
median. Cost is process time, global moves included; the first figure of a process includes compilation
when the cache is cold. `--quick`: worlds a tenth as large, two seeds. `--no-batch`: leave the label-free
batch fit out (d: minutes).
"""

import argparse
import time

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.cocluster.global_moves import fitted, one_hot, polished
from processors.cocluster.learner import CoClusterLearner
from processors.cocluster.settings import LearnerSettings
from processors.cocluster.soft_groups import Interactions, soft_groups
from processors.worlds.blocks import WORLDS, BlockHistory, BlockWorld, generate, scaled
from tests.cocluster.agreement import adjusted_rand

BATCH = 10_000
DEGREE_MIN = 5


def scores(history: BlockHistory, user: FloatArray, card: FloatArray) -> tuple[float, float, float, float]:
    sides = ((history.user, user, history.user_group), (history.card, card, history.card_group))
    dense, every = [], []
    for node, groups, truth in sides:
        often = np.bincount(node, minlength=len(truth)) >= DEGREE_MIN
        dense.append(adjusted_rand(groups.argmax(axis=1)[often], truth[often]))
        every.append(adjusted_rand(groups.argmax(axis=1), truth))
    return (*dense, *every)


def learn_online(history: BlockHistory, world: BlockWorld, seed: int) -> tuple[CoClusterLearner, float]:
    settings = LearnerSettings(
        user_groups=world.user_groups,
        card_groups=world.card_groups,
        warmup_events=min(100_000, len(history) // 4),
        refresh_events=2_000,
    )
    learner = CoClusterLearner(settings, seed)
    start = time.process_time()
    for at in range(0, len(history), BATCH):
        part = slice(at, at + BATCH)
        learner.learn(history.user[part], history.card[part], history.seconds[part], history.event_ms[part])
    return learner, (time.process_time() - start) / len(history) * 1e6


def run(name: str, world: BlockWorld, seeds: int, *, batch_too: bool) -> None:
    rows = []
    for world_seed in range(1, seeds + 1):
        history = generate(world, world_seed)
        data = Interactions(history.user, history.card, np.log1p(history.seconds), world.users, world.cards)
        groups = (world.user_groups, world.card_groups)
        truth = soft_groups(data, one_hot(history.user_group, groups[0]), one_hot(history.card_group, groups[1]))
        ceiling = polished(data, truth, 50)
        rng = np.random.default_rng(np.random.SeedSequence(world_seed + 900))
        batch = fitted(data, *groups, rng) if batch_too else None
        learner, cost_us = learn_online(history, world, world_seed + 500)
        online_user = learner.user_groups(np.arange(world.users))
        online_card = learner.card_logits(np.arange(world.cards))
        row = [
            *scores(history, ceiling.user, ceiling.card),
            *(scores(history, batch.user, batch.card) if batch else [float("nan")] * 4),
            *scores(history, online_user, online_card),
            cost_us,
        ]
        rows.append(row)
        _show(f"{name} seed {world_seed}", row)
    _show(f"{name} MEDIAN", np.median(np.array(rows), axis=0).tolist())


def _show(title: str, row: list[float]) -> None:
    parts = [
        f"{label} {row[at]:.3f}/{row[at + 1]:.3f} (all {row[at + 2]:.3f}/{row[at + 3]:.3f})"
        for label, at in (("ceiling", 0), ("batch", 4), ("online", 8))
    ]
    print(f"{title:12s}", *parts, f"{row[12]:.1f} us/event", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-batch", action="store_true")
    parser.add_argument("--worlds", default="abcd")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.worlds:
        world = scaled(WORLDS[name], 0.1) if arguments.quick else WORLDS[name]
        seeds = min(arguments.seeds, 2) if arguments.quick else arguments.seeds
        run(name, world, seeds, batch_too=not arguments.no_batch)


if __name__ == "__main__":
    main()
