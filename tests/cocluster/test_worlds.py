"""Facts about learning on planted worlds, small enough for every run; the benchmarks do the large ones."""

import numpy as np
import pytest

from processors.cocluster.fitting.global_moves import STUCK, fitted, one_hot, polished, stuck_promise
from processors.cocluster.fitting.normal_scores import on_normal_scores
from processors.cocluster.fitting.shapes import candidates, chosen_shape, compare, fold_numbers
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.worlds.agreement import adjusted_rand
from processors.worlds.blocks import WORLDS, BlockHistory, BlockWorld, generate, scaled


def table(history: BlockHistory, world: BlockWorld) -> Interactions:
    return Interactions(history.user, history.card, np.log1p(history.seconds), world.users, world.cards)


def planted(history: BlockHistory, data: Interactions, world: BlockWorld, card_group: np.ndarray) -> SoftGroups:
    user = one_hot(history.user_group, world.user_groups)
    return polished(data, soft_groups(data, user, one_hot(card_group, world.card_groups)), 40)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_fit_without_labels_explains_as_much_as_one_started_at_the_truth(seed: int) -> None:
    world = scaled(WORLDS["b"], 0.2)
    history = generate(world, seed)
    data = table(history, world)
    truth = planted(history, data, world, history.card_group)
    found = fitted(data, 6, 6, np.random.default_rng(np.random.SeedSequence(seed + 900)))
    assert found.objective > truth.objective - 0.002
    ceiling = adjusted_rand(truth.user.argmax(axis=1), history.user_group)
    assert adjusted_rand(found.user.argmax(axis=1), history.user_group) > 0.95 * ceiling


def test_a_world_without_structure_gets_one_group() -> None:
    world = scaled(WORLDS["null"], 0.1)
    data = table(generate(world, 3), world)
    rng = np.random.default_rng(np.random.SeedSequence(31))
    shapes = candidates((4, 4))
    scores = compare(on_normal_scores(data, rng), shapes, fold_numbers(len(data), 3, rng), rng)
    assert chosen_shape(scores, shapes) == (1, 1)


@pytest.mark.parametrize("seed", [1, 3])
def test_the_stuck_test_tells_merged_groups_from_right_ones(seed: int) -> None:
    world = scaled(WORLDS["c"], 0.25)
    history = generate(world, seed)
    data = table(history, world)
    assert stuck_promise(data, planted(history, data, world, history.card_group)) < STUCK
    merged = np.where(history.card_group == 1, 0, history.card_group)
    half_of_two = np.flatnonzero(merged == 2)[::2]
    merged[half_of_two] = 1
    assert stuck_promise(data, planted(history, data, world, merged)) > STUCK


def split_later(seed: int) -> tuple[BlockWorld, BlockHistory, np.ndarray]:
    """Card groups 4 and 5 are alike for the first third of the history and differ after it."""
    world = BlockWorld(users=500, cards=150, user_groups=4, card_groups=6, streams_per_user=40, noise_sd=0.6)
    history = generate(world, seed)
    seconds = history.seconds.copy()
    early = np.arange(len(history)) < len(history) // 3
    twins = early & (history.card_group[history.card] == 5)
    gap = history.block_mean[:, 4] - history.block_mean[:, 5]
    log_seconds = np.log1p(seconds[twins]) + gap[history.user_group[history.user[twins]]]
    seconds[twins] = np.expm1(np.maximum(log_seconds, 0.0))
    return world, history, seconds


@pytest.mark.parametrize("seed", [1, 2])
def test_the_stuck_test_fires_where_the_schedule_alone_fails(seed: int) -> None:
    world, history, seconds = split_later(seed)
    agreement = {}
    for stuck_test in (False, True):
        settings = LearnerSettings(
            user_groups=4,
            card_groups=6,
            warmup_events=5_000,
            rethink_growth=10.0,
            stuck_test=stuck_test,
            ring=20,
        )
        learner = CoClusterLearner(settings, seed + 40)
        learner.learn(history.user, history.card, seconds, history.event_ms)
        cards = learner.card_logits(np.arange(world.cards)).argmax(axis=1)
        agreement[stuck_test] = adjusted_rand(cards, history.card_group)
        assert (learner.state.stuck_count > 0) == stuck_test
    assert agreement[True] > agreement[False] + 0.05
    assert agreement[True] > 0.9
