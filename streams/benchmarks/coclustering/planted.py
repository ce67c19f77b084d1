"""Recovery of the planted worlds a to d: one online pass, an unsupervised batch fit, and a start at the truth."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.fitting.global_moves import fitted, one_hot, polished
from processors.cocluster.model.soft_groups import Interactions, soft_groups
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.worlds.agreement import adjusted_rand
from processors.worlds.blocks import WORLDS, BlockHistory, BlockWorld, generate, scaled

BATCH = 10_000
DEGREE_MIN = 5
CEILING_PASSES = 50
BATCH_SEED, ONLINE_SEED = 900, 500  # no fit has the seed of its world
Agreement = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedSettings:
    """Which worlds, how many of each from which seed on, their reduction in size, and whether to fit in batch.

    The batch fit takes minutes on d.
    """

    worlds: Sequence[str] = ("a", "b", "c", "d")
    seeds: int = 5
    world_seed: int = 1
    shrink: int = 1
    batch: bool = True

    def __post_init__(self) -> None:
        """Refuse unknown worlds."""
        if unknown := [name for name in self.worlds if name not in WORLDS]:
            raise ValueError(f"there is no world {unknown[0]!r}; there are: {', '.join(WORLDS)}")


def bench_planted(settings: PlantedSettings, on_row: Callable[[str], None]) -> dict[str, Any]:
    """Medians over the seeds of each world; `on_row` is called with every run."""
    return {name: _world(name, settings, on_row) for name in settings.worlds}


def _world(name: str, settings: PlantedSettings, on_row: Callable[[str], None]) -> dict[str, Any]:
    world = scaled(WORLDS[name], 1.0 / settings.shrink)
    rows = []
    for seed in range(settings.world_seed, settings.world_seed + settings.seeds):
        rows.append(_run(world, seed, batch=settings.batch))
        on_row(f"{name} seed {seed}: {_shown(rows[-1])}")
    return {label: _median([row[label] for row in rows]) for label in rows[0]}


def _run(world: BlockWorld, seed: int, *, batch: bool) -> dict[str, Any]:
    history = generate(world, seed)
    data = Interactions(history.user, history.card, np.log1p(history.seconds), world.users, world.cards)
    groups = (world.user_groups, world.card_groups)
    truth = soft_groups(data, one_hot(history.user_group, groups[0]), one_hot(history.card_group, groups[1]))
    ceiling = polished(data, truth, CEILING_PASSES)
    found = {"ceiling": agreement(history, ceiling.user, ceiling.card)}
    if batch:
        rng = np.random.default_rng(np.random.SeedSequence(seed + BATCH_SEED))
        fit = fitted(data, *groups, rng)
        found["batch"] = agreement(history, fit.user, fit.card)
    learner, cost_us = _learned_online(history, world, seed + ONLINE_SEED)
    user, card = learner.user_groups(np.arange(world.users)), learner.card_logits(np.arange(world.cards))
    found["online"] = agreement(history, user, card)
    return {**found, "online_us_per_event": cost_us}


def agreement(history: BlockHistory, user: FloatArray, card: FloatArray) -> Agreement:
    """Adjusted Rand index of both sides, over nodes with at least five interactions and over all."""
    sides = {
        "users": (history.user, user, history.user_group),
        "cards": (history.card, card, history.card_group),
    }
    told = {}
    for side, (node, groups, truth) in sides.items():
        often = np.bincount(node, minlength=len(truth)) >= DEGREE_MIN
        told[side] = adjusted_rand(groups.argmax(axis=1)[often], truth[often])
        told[f"all_{side}"] = adjusted_rand(groups.argmax(axis=1), truth)
    return told


def _learned_online(history: BlockHistory, world: BlockWorld, seed: int) -> tuple[CoClusterLearner, float]:
    """Learn in one pass; returns processor microseconds per event, including global moves."""
    settings = LearnerSettings(
        user_groups=world.user_groups,
        card_groups=world.card_groups,
        warmup_events=max(1, min(100_000, len(history) // 4)),
        refresh_events=2_000,
    )
    learner = CoClusterLearner(settings, seed)
    start_s = time.process_time()
    for at in range(0, len(history), BATCH):
        part = slice(at, at + BATCH)
        learner.learn(history.user[part], history.card[part], history.seconds[part], history.event_ms[part])
    return learner, (time.process_time() - start_s) / len(history) * 1e6


def _median(values: list[Any]) -> Any:
    if isinstance(values[0], dict):
        return {label: _median([value[label] for value in values]) for label in values[0]}
    return round(float(np.median(values)), 4)


def _shown(row: dict[str, Any]) -> str:
    parts = [
        f"{label} {found['users']:.3f}/{found['cards']:.3f} (all {found['all_users']:.3f}/{found['all_cards']:.3f})"
        for label, found in row.items()
        if isinstance(found, dict)
    ]
    return f"{', '.join(parts)}, {row['online_us_per_event']:.1f} us/event"
