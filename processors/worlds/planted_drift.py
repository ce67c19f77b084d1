"""Planted drift: the co-cluster of a world to change, and the one that an alert about learned groups refers to."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from processors.arrays import FloatArray
from processors.worlds.satisfaction import SatisfactionWorld

Block = tuple[int, int]


def busiest_block(world: SatisfactionWorld, activity: FloatArray) -> Block:
    """The planted co-cluster with most expected satisfied streams, for users [n] with this activity."""
    size = (world.settings.user_groups, world.settings.card_groups)
    satisfied = np.zeros(size)
    for user_group in range(size[0]):
        members = world.satisfied[world.user_group == user_group]
        if len(members):
            satisfied[user_group] = np.bincount(world.card_group, weights=members.mean(axis=0), minlength=size[1])
    expected = satisfied * np.bincount(world.user_group, weights=activity, minlength=size[0])[:, None]
    block = np.unravel_index(int(expected.argmax()), size)
    return int(block[0]), int(block[1])


def planted_majority(pairs: Iterable[tuple[int, int]], learned_group: int) -> int | None:
    """The planted group of most members of a learned one, from (planted, learned) pairs; None if it is empty.

    >>> planted_majority([(3, 0), (3, 0), (5, 0), (5, 1)], 0)
    3
    """
    members = Counter(planted for planted, learned in pairs if learned == learned_group)
    return members.most_common(1)[0][0] if members else None
