"""Freshness: a bonus for recently released cards."""

import numpy as np

from processors.arrays import FloatArray, IntArray


def fresh_gain(
    score: FloatArray, released_ms: IntArray, event_ms: IntArray, *, freshness: float, half_life_ms: int
) -> FloatArray:
    """Bonus [n, C] on scores [n, C] of cards released at `released_ms` [C], at `event_ms` [n].

    A share of the score that halves with age; zero if the release time is unknown (0).

    >>> gain = fresh_gain(np.array([[0.2, 0.2, 0.2]]), np.array([1_000, 500, 0]), np.array([1_000]), freshness=0.5,
    ...     half_life_ms=500)
    >>> gain.tolist()
    [[0.1, 0.05, 0.0]]
    """
    age_ms = np.maximum(event_ms[:, None] - released_ms[None, :], 0)
    share = freshness * np.exp2(-age_ms / half_life_ms)
    return np.asarray(np.where(released_ms > 0, score * share, 0.0), dtype=np.float64)
