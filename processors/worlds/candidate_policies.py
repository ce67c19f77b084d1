"""A planted world of shelves and a dozen candidate policies, some like the logging policy and some far from it."""

import numpy as np

from processors.arrays import FloatArray, IntArray

LISTENER_GROUPS = 4
LOOKED_AT = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.42, 0.36, 0.3])
"""Probability that a listener looks at each slot."""


class CandidateWorld:
    """Plackett-Luce policies that fill eight slots from twenty cards, for listeners of four groups.

    Candidates are the logging policy's scores moved towards the truth or away from it, by more and more noise; so the
    weights of whole shelves reach from nearly one to millions.

    >>> world = CandidateWorld(seed=1, candidates=3)
    >>> shown, earned = world.log(world.logging, 500, seed=2); shown.shape, bool((earned <= 1.0).all())
    ((500, 8), True)
    """

    def __init__(self, seed: int, candidates: int = 12, items: int = 20) -> None:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x6E5,)))
        self.items, self.slots = items, len(LOOKED_AT)
        taste = 0.8 * rng.standard_normal((LISTENER_GROUPS, items)) + 0.6 * rng.standard_normal(items)
        self.rates: FloatArray = 0.5 / (1.0 + np.exp(1.0 - taste))  # [groups, items]
        self.logging: FloatArray = 0.4 * taste + 0.5 * rng.standard_normal(taste.shape)
        spread = np.geomspace(0.15, 2.5, candidates)
        better = rng.uniform(-0.5, 0.8, candidates)
        self.candidates: list[FloatArray] = [
            self.logging + one * (pull * taste + rng.standard_normal(taste.shape))
            for one, pull in zip(spread, better, strict=True)
        ]
        self.group: IntArray = np.zeros(0, dtype=np.int64)

    def log(self, scores: FloatArray, count: int, seed: int) -> tuple[IntArray, FloatArray]:
        """Shelves shown [count, slots] by a policy, and the share of its slots that were played [count].

        The groups of the listeners are in `group` afterwards.
        """
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x6E6,)))
        shown = self._shown(scores, count, rng)
        played = rng.random(shown.shape) < self._play(shown)
        return shown, played.mean(axis=1)

    def value(self, scores: FloatArray, count: int, seed: int) -> tuple[float, float]:
        """Value of a policy over `count` shelves that it draws, without the noise of plays, and its standard error."""
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x6E7,)))
        expected = self._play(self._shown(scores, count, rng)).mean(axis=1)
        return float(expected.mean()), float(expected.std() / np.sqrt(count))

    def log_probability(self, scores: FloatArray, shown: IntArray) -> FloatArray:
        """Log of the probability [n, slots] of each card, given those before it, for the listeners of the last log."""
        mine = np.exp(scores - scores.max(axis=1, keepdims=True))[self.group]
        chosen = np.take_along_axis(mine, shown, axis=1)
        left = mine.sum(axis=1, keepdims=True) - np.cumsum(chosen, axis=1) + chosen
        return np.asarray(np.log(chosen) - np.log(left), dtype=np.float64)

    def _shown(self, scores: FloatArray, count: int, rng: np.random.Generator) -> IntArray:
        """Cards in order: the largest of scores with Gumbel noise."""
        self.group = rng.integers(LISTENER_GROUPS, size=count)
        noisy = scores[self.group] + rng.gumbel(size=(count, self.items))
        return np.argsort(-noisy, axis=1)[:, : self.slots]

    def _play(self, shown: IntArray) -> FloatArray:
        return np.asarray(self.rates[self.group[:, None], shown] * LOOKED_AT, dtype=np.float64)
