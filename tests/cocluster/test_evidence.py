"""Groups are called groups where knowing them gains: never for a mixture that copies the shape of a distribution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.cocluster.fitting.held_out import predict_held_out
from processors.cocluster.fitting.normal_scores import on_normal_scores
from processors.cocluster.fitting.shape_scores import Score
from processors.cocluster.fitting.shapes import Shape, candidates, chosen_shape, compare, fold_numbers, name_of
from processors.cocluster.model.soft_groups import Interactions, soft_groups
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.worlds.blocks import WORLDS, BlockWorld, generate, scaled

SHAPES = candidates((4, 4))


def accidents(size: int, rng: np.random.Generator) -> np.ndarray:
    """Log seconds of which a third are accidents: streams of seconds beside streams of minutes."""
    return np.where(rng.random(size) < 0.35, rng.normal(-4.5, 0.8, size), rng.normal(0.0, 0.8, size))


def long_tail(size: int, rng: np.random.Generator) -> np.ndarray:
    return np.exp(rng.normal(1.6, 0.35, size)) - 5.0


NOISES = {"accidents": accidents, "long tail": long_tail}


def log_of(noise: str, seed: int, world: BlockWorld) -> Interactions:
    """A log of that world, with noise that is skewed on top of the blocks' means."""
    history = generate(world, seed)
    x = np.log1p(history.seconds) + NOISES[noise](len(history), np.random.default_rng([seed, 7]))
    return Interactions(history.user, history.card, x, world.users, world.cards)


def judged(data: Interactions, seed: int) -> dict[str, Score]:
    rng = np.random.default_rng([seed, 8])
    fold = fold_numbers(len(data), 4, rng)
    return compare(on_normal_scores(data, rng), SHAPES, np.where(fold == 0, 0, -1), rng)


NULL = BlockWorld(users=800, cards=900, user_groups=1, card_groups=1, noise_sd=0.1, spread_sd=0.0)
USERS_ONLY = BlockWorld(users=800, cards=900, user_groups=4, card_groups=1, noise_sd=0.1)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_skewed_seconds_that_nobody_has_a_part_in_are_one_group(noise: str, seed: int) -> None:
    data = log_of(noise, seed, NULL)
    assert chosen_shape(judged(data, seed), SHAPES) == (1, 1)
    rng = np.random.default_rng([seed, 9])
    fold = np.where(fold_numbers(len(data), 4, rng) == 0, 0, -1)
    scores = compare(data, [(1, 1), (4, 4)], fold, rng)
    gain, error = scores["4x4"].gain_over(scores["1x1"])
    assert gain > 3 * error  # so that log-likelihood alone would call them groups
    assert gain < scores["4x4"].null_over(scores["1x1"])


@pytest.mark.parametrize("noise", NOISES)
def test_where_only_users_differ_cards_get_no_groups(noise: str) -> None:
    users, cards = chosen_shape(judged(log_of(noise, 4, USERS_ONLY), 4), SHAPES)
    assert users > 1
    assert cards == 1


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_planted_groups_are_found_and_gain_what_they_gained_less_the_null(name: str) -> None:
    world = scaled(WORLDS[name], 0.15)
    history = generate(world, 5)
    data = Interactions(history.user, history.card, np.log1p(history.seconds), world.users, world.cards)
    scores = judged(data, 5)
    chosen: Shape = chosen_shape(scores, SHAPES)
    assert min(chosen) > 1
    best, one = scores[name_of(chosen)], scores["1x1"]
    gain, _ = best.gain_over(one)
    assert best.net.mean() == pytest.approx(gain - best.null_over(one))
    assert abs(best.null_over(one)) < 0.1 * gain


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 4))
def test_to_know_groups_gains_nothing_where_any_interaction_could_have_had_any_seconds(
    seed: int, user_groups: int, card_groups: int
) -> None:
    rng = np.random.default_rng(seed)
    user, card, x = rng.integers(6, size=12), rng.integers(5, size=12), rng.gamma(1.0, 3.0, 12)
    data = Interactions(user, card, x, 6, 5)
    fit = soft_groups(data, rng.dirichlet(np.ones(user_groups), 6), rng.dirichlet(np.ones(card_groups), 5))
    turns = [predict_held_out(fit, user, card, np.roll(x, turn)) for turn in range(12)]
    assert sum((turn.log_likelihood - turn.marginal).sum() for turn in turns) <= 1e-9


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_learner_of_noise_keeps_its_groups(seed: int) -> None:
    """One arrangement of the noise beats another in what it was fitted to, for ever; each would be a new generation."""
    data = log_of("accidents", seed, NULL)
    settings = LearnerSettings(
        user_groups=4,
        card_groups=4,
        restarts=3,
        max_users=1_000,
        max_cards=1_000,
        max_edges=20_000,
        rethink_growth=1.5,
    )
    learner = CoClusterLearner(settings, seed + 40)
    learner.learn(data.user, data.card, np.expm1(np.maximum(data.x, 0.0)), np.arange(len(data)))
    assert learner.state.rethought_count >= 3
    assert learner.state.swapped_count == 0
    assert learner.state.generation == 1
