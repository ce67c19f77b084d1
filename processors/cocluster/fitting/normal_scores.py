"""Normal scores: streamed seconds without their marginal distribution.

Blocks are Normal, streaming times are skewed. When structure is judged rather than described, each x is replaced by the
Normal quantile of its rank (van der Waerden, *Indagationes Mathematicae* 14, 1952). Without groups, one Normal is then
exactly right; a long tail does not make the groups of a listener look certain; and the log-likelihoods of all shapes
change by the same constant, so that differences remain in nats.
"""

import numpy as np
from scipy.special import ndtri

from processors.arrays import FloatArray
from processors.cocluster.model.soft_groups import Interactions


def normal_scores(x: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Normal quantiles of the ranks of x; ties are broken at random, because a point mass is structure too.

    >>> normal_scores(np.array([5.0, 1.0, 900.0]), np.random.default_rng(1)).round(2).tolist()
    [0.0, -0.97, 0.97]
    """
    order = np.lexsort((rng.random(len(x)), x))
    rank = np.empty(len(x))
    rank[order] = np.arange(len(x))
    scores: FloatArray = ndtri((rank + 0.5) / len(x))
    return scores


def on_normal_scores(data: Interactions, rng: np.random.Generator) -> Interactions:
    """The same interactions with normal scores instead of x."""
    return Interactions(data.user, data.card, normal_scores(data.x, rng), data.users, data.cards)
