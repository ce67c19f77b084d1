"""The option on exposure counts answers who meets what, and only that."""

import numpy as np

from processors.cocluster.fitting.information_theoretic import InformationTheoretic
from processors.cocluster.fitting.normal_blocks import NormalBlocks
from processors.cocluster.model.soft_groups import Interactions
from processors.worlds.agreement import adjusted_rand
from processors.worlds.blocks import BlockWorld, generate

USERS, CARDS = 300, 90


def who_meets_what(seed: int) -> tuple[Interactions, np.ndarray, np.ndarray]:
    """Three user groups who each meet one of three card groups four times as often; durations say nothing."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    user_group, card_group = rng.integers(3, size=USERS), rng.integers(3, size=CARDS)
    user, card = rng.integers(USERS, size=30_000), rng.integers(CARDS, size=30_000)
    liked = user_group[user] == card_group[card]
    kept = liked | (rng.random(30_000) < 0.25)
    x = rng.normal(5.0, 1.0, size=int(kept.sum()))
    return Interactions(user[kept], card[kept], x, USERS, CARDS), user_group, card_group


def test_groups_of_who_meets_what_are_found_in_counts_and_not_in_durations() -> None:
    data, user_group, card_group = who_meets_what(1)
    counted = InformationTheoretic(user_groups=3, card_groups=3).groups(data)
    assert adjusted_rand(counted.user.argmax(axis=1), user_group) > 0.9
    assert adjusted_rand(counted.card.argmax(axis=1), card_group) > 0.9
    timed = NormalBlocks(user_groups=3, card_groups=3).groups(data)
    assert adjusted_rand(timed.user.argmax(axis=1), user_group) < 0.1


def test_groups_of_time_are_not_found_in_counts() -> None:
    world = BlockWorld(users=USERS, cards=CARDS, user_groups=3, card_groups=3, streams_per_user=30, noise_sd=0.5)
    history = generate(world, world_seed=2)
    data = Interactions(history.user, history.card, np.log1p(history.seconds), USERS, CARDS)
    counted = InformationTheoretic(user_groups=3, card_groups=3).groups(data)
    timed = NormalBlocks(user_groups=3, card_groups=3).groups(data)
    assert adjusted_rand(counted.user.argmax(axis=1), history.user_group) < 0.1
    assert adjusted_rand(timed.user.argmax(axis=1), history.user_group) > 0.9
