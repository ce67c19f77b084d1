"""Normal scores: what is left of streamed seconds when their distribution is taken away.

Blocks are Normal, what people stream is skewed. Where structure is judged, not described, each x is replaced by the
Normal quantile of its rank (van der Waerden, *Indagationes Mathematicae* 14, 1952). One Normal is then exactly right
where there are no groups, a long tail makes no listener look certain of its group, and log-likelihoods of all shapes
change by the same constant, so that differences stay what they are: nats.
"""

import numpy as np
from scipy.special import ndtri

from processors.arrays import FloatArray
from processors.cocluster.soft_groups import Interactions


def normal_scores(x: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Normal quantiles of the ranks of x; equal ones are put in an order by chance, for a heap is a shape as well.

    >>> normal_scores(np.array([5.0, 1.0, 900.0]), np.random.default_rng(1)).round(2).tolist()
    [0.0, -0.97, 0.97]
    """
    order = np.lexsort((rng.random(len(x)), x))
    rank = np.empty(len(x))
    rank[order] = np.arange(len(x))
    scores: FloatArray = ndtri((rank + 0.5) / len(x))
    return scores


def on_normal_scores(data: Interactions, rng: np.random.Generator) -> Interactions:
    """Give the same interactions with normal scores in the place of x."""
    return Interactions(data.user, data.card, normal_scores(data.x, rng), data.users, data.cards)
