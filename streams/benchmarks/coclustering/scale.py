"""Scale: 800,000 users x 900,000 cards through the online learner, with the cost of an event."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.worlds.agreement import adjusted_rand
from processors.worlds.blocks import BlockHistory, BlockWorld, generate
from streams.benchmarks.process_figures import resident_mb

INTERACTIONS = 8_000_000
USERS, CARDS = 800_000, 900_000
USER_GROUPS, CARD_GROUPS = 7, 13
BATCH_MAX = 20_000
DEGREE_MIN, JUDGED_MAX = 5, 200_000


def bench_scale(interactions: int, on_row: Callable[[str], None], *, seed: int = 71) -> dict[str, Any]:
    """Learn this many interactions, with users and cards in proportion; reports at an eighth, a quarter, ..."""
    share = interactions / INTERACTIONS
    world = BlockWorld(
        users=max(100, round(USERS * share)),
        cards=max(100, round(CARDS * share)),
        user_groups=USER_GROUPS,
        card_groups=CARD_GROUPS,
        noise_sd=0.5,
        card_zipf=0.9,
        user_gamma_shape=1.0,
    )
    history = generate(world, world_seed=seed)
    learner = CoClusterLearner(_settings(world, len(history)), seed=seed + 1)
    before_mb = resident_mb()
    rows: list[dict[str, Any]] = []
    marks = [len(history) // 8, len(history) // 4, len(history) // 2, len(history)]
    total_s = between_us = 0.0
    batch = max(1, min(BATCH_MAX, len(history) // 16))
    for at in range(0, len(history), batch):
        took_s, is_plain = _learn(learner, history, slice(at, at + batch))
        total_s += took_s
        done = min(at + batch, len(history))
        between_us = took_s / (done - at) * 1e6 if is_plain else between_us
        if len(rows) < len(marks) and done >= marks[len(rows)]:
            rows.append(_row(learner, history, done, total_s, between_us))
            on_row(", ".join(f"{name} {value:,}" for name, value in rows[-1].items()))
    return {
        "users": world.users,
        "cards": world.cards,
        "interactions": len(history),
        "bytes_per_edge": bytes_per_edge(learner),
        "memory_before_mb": before_mb,
        "marks": rows,
    }


def _settings(world: BlockWorld, interactions: int) -> LearnerSettings:
    return LearnerSettings(
        user_groups=world.user_groups,
        card_groups=world.card_groups,
        warmup_events=max(1_000, interactions // 40),
        max_users=world.users,
        max_cards=world.cards,
        max_edges=interactions,
        refresh_events=max(500, interactions // 400),
    )


def _learn(learner: CoClusterLearner, history: BlockHistory, part: slice) -> tuple[float, bool]:
    """Processor seconds, and whether neither a sweep nor global moves fell into them."""
    state = learner.state
    before = (state.rethought_count, state.swept_at)
    start_s = time.process_time()
    learner.learn(history.user[part], history.card[part], history.seconds[part], history.event_ms[part])
    took_s = time.process_time() - start_s
    return took_s, before == (learner.state.rethought_count, learner.state.swept_at)


def _row(
    learner: CoClusterLearner, history: BlockHistory, done: int, total_s: float, between_us: float
) -> dict[str, Any]:
    sides = {
        "ari_users": (history.user, learner.user_groups, history.user_group),
        "ari_cards": (history.card, learner.card_logits, history.card_group),
    }
    found = {}
    for name, (node, groups, truth) in sides.items():
        often = np.flatnonzero(np.bincount(node[:done], minlength=len(truth)) >= DEGREE_MIN)[:JUDGED_MAX]
        found[name] = round(adjusted_rand(groups(often).argmax(axis=1), truth[often]), 4)
    return {
        "interactions": done,
        "cpu_seconds": round(total_s, 1),
        "us_per_event": round(total_s / done * 1e6, 2),
        "us_per_event_between_sweeps": round(between_us, 2),
        "memory_mb": resident_mb(),
        "edges": learner.memory.edges_count(),
        **found,
    }


def bytes_per_edge(learner: CoClusterLearner) -> int:
    """Memory of one remembered interaction."""
    columns = learner.memory.pool
    return int(sum(column.itemsize * (column.shape[1] if column.ndim > 1 else 1) for column in columns))
