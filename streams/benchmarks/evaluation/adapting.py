"""Logs of a policy that learns as it logs, read for one that stays what it is."""

import numpy as np

from processors.arrays import FloatArray

WORTH = np.array([0.02, 0.05, 0.08, 0.05, 0.12])
TARGET = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
EPSILON = 0.2
ROUND = 250
"""Events between two updates of the logging policy."""


def adapting_log(repeats: int, events: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, float]:
    """Weights and rewards [repeats, events] under epsilon-greedy by what was earned so far, and the target's value."""
    arms = len(WORTH)
    shown, earned = np.ones((repeats, arms)), np.full((repeats, arms), 0.05)
    weights, rewards = np.empty((repeats, events)), np.empty((repeats, events))
    for first in range(0, events, ROUND):
        last = min(first + ROUND, events)
        logging = np.full((repeats, arms), EPSILON / arms)
        logging[np.arange(repeats), (earned / shown).argmax(axis=1)] += 1.0 - EPSILON
        coin = rng.random((repeats, last - first))
        arm = (coin[:, :, None] > np.cumsum(logging, axis=1)[:, None, :-1]).sum(axis=2)
        got = (rng.random(arm.shape) < WORTH[arm]).astype(np.float64)
        weights[:, first:last] = TARGET[arm] / np.take_along_axis(logging, arm, axis=1)
        rewards[:, first:last] = got
        for one in range(arms):
            shown[:, one] += (arm == one).sum(axis=1)
            earned[:, one] += (got * (arm == one)).sum(axis=1)
    return weights, rewards, float(TARGET @ WORTH)
