"""Scale: 800,000 users x 900,000 cards x 8 million interactions through the online learner.

    python -m tests.cocluster.bench_scale [--quick] [--scale N] [--groups 7 13] [--ring 32]

Prints seconds, microseconds an event, resident memory and agreement at 1, 2, 4 and 8 million interactions,
and what an edge costs in bytes. Time is process time; time in global moves is given apart. `--quick`: a
hundredth of it all.
"""

import argparse
import resource
import time

import numpy as np

from processors.cocluster.learner import CoClusterLearner
from processors.cocluster.settings import LearnerSettings
from processors.worlds.blocks import BlockHistory, BlockWorld, generate
from tests.cocluster.agreement import adjusted_rand

BATCH = 20_000
DEGREE_MIN = 5


def agreement(learner: CoClusterLearner, history: BlockHistory, seen: int) -> tuple[float, float]:
    found = (
        (history.user, learner.user_groups, history.user_group),
        (history.card, learner.card_logits, history.card_group),
    )
    values = []
    for node, groups, truth in found:
        often = np.flatnonzero(np.bincount(node[:seen], minlength=len(truth)) >= DEGREE_MIN)
        often = often[:200_000]
        values.append(adjusted_rand(groups(often).argmax(axis=1), truth[often]))
    return values[0], values[1]


def bytes_per_edge(learner: CoClusterLearner) -> int:
    columns = learner.memory.pool
    return sum(column.itemsize * (column.shape[1] if column.ndim > 1 else 1) for column in columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--scale", type=int, default=1, help="divide users, cards and events")
    parser.add_argument("--groups", type=int, nargs=2, default=[7, 13])
    parser.add_argument("--ring", type=int, default=32)
    arguments = parser.parse_args()
    scale = 100 if arguments.quick else arguments.scale
    world = BlockWorld(
        users=800_000 // scale,
        cards=900_000 // scale,
        user_groups=arguments.groups[0],
        card_groups=arguments.groups[1],
        noise_sd=0.5,
        card_zipf=0.9,
        user_gamma_shape=1.0,
    )
    history = generate(world, world_seed=71)
    settings = LearnerSettings(
        user_groups=world.user_groups,
        card_groups=world.card_groups,
        warmup_events=200_000 // scale,
        ring=arguments.ring,
        max_users=world.users,
        max_cards=world.cards,
        max_edges=len(history),
        refresh_events=20_000 // scale,
    )
    learner = CoClusterLearner(settings, seed=72)
    print(f"{world.users} users x {world.cards} cards, {bytes_per_edge(learner)} bytes an edge", flush=True)
    steady = total = 0.0
    batch = max(BATCH // scale, 1_000)
    marks = [len(history) // 8, len(history) // 4, len(history) // 2, len(history)]
    for at in range(0, len(history), batch):
        part = slice(at, at + batch)
        rethought, swept = learner.state.rethought_count, learner.state.swept_at
        start = time.process_time()
        learner.learn(history.user[part], history.card[part], history.seconds[part], history.event_ms[part])
        took = time.process_time() - start
        total += took
        if (learner.state.rethought_count, learner.state.swept_at) == (rethought, swept):
            steady = took / (len(history.user[part])) * 1e6
        done = min(at + batch, len(history))
        if marks and done >= marks[0]:
            marks.pop(0)
            user, card = agreement(learner, history, done)
            memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{done:>9,} events  {total:7.1f} s  {total / done * 1e6:6.1f} us/event in all, "
                f"{steady:5.1f} between sweeps  {memory_mb:,} MB  ARI {user:.3f}/{card:.3f}  "
                f"rethought {learner.state.rethought_count}  edges {learner.memory.edges_count():,}",
                flush=True,
            )


if __name__ == "__main__":
    main()
