"""Strength of shrinkage to a mean, estimated from the spread of the estimates."""

import numpy as np

from processors.arrays import FloatArray

STRENGTH_MIN, STRENGTH_MAX = 10.0, 5_000.0


def prior_strength(deviation: FloatArray, count: FloatArray, variance: float) -> float:
    """Pseudo-observations of the prior: sampling variance over the variance between the cells.

    `deviation` [n] are observed means less their prior means, each over `count` [n] observations of the given variance.
    The variance between cells is DerSimonian and Laird's moment estimate (Controlled Clinical Trials 7, 1986, equation
    8). If cells differ no more than by chance, the strength is the maximum.

    >>> rng = np.random.default_rng(1)
    >>> true = rng.normal(0.0, 0.1, 2_000); seen = true + rng.normal(0.0, 1.0 / np.sqrt(50.0), 2_000)
    >>> 80 < prior_strength(seen, np.full(2_000, 50.0), variance=1.0) < 125
    True
    >>> prior_strength(np.zeros(10), np.full(10, 50.0), variance=1.0)
    5000.0
    """
    seen = count > 0.0
    if variance <= 0.0 or seen.sum() < 2:
        return STRENGTH_MAX
    weight = count[seen] / variance
    total = weight.sum()
    center = (weight * deviation[seen]).sum() / total
    spread = (weight * (deviation[seen] - center) ** 2).sum() - (seen.sum() - 1)
    between = spread / (total - (weight**2).sum() / total)
    if between <= 0.0:
        return STRENGTH_MAX
    return float(np.clip(variance / between, STRENGTH_MIN, STRENGTH_MAX))
