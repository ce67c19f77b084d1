"""What a card is expected to earn with a user group: its own record, shrunk to its co-cluster and to its quality."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.bandit.shrinkage import prior_strength

BLOCK_STRENGTH = 20.0
"""Pseudo-observations that hold a block's mean to the mean of all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """Expected reward of every card with every user group, and how sure that is."""

    mean: FloatArray  # [C, G]
    variance: FloatArray  # [C, G], of the mean
    count: FloatArray  # [C, G], exposures that the mean is worth, the prior's included
    prior_share: FloatArray  # [C, G], from 0 (all from the card's own record) to 1 (none of it)
    overall: float  # mean reward of all exposures


def posterior(exposures: FloatArray, total: FloatArray, squares: FloatArray, card_weights: FloatArray) -> Posterior:
    """Posterior from soft exposures, sums and squares of a reward [C, G] and soft card groups [C, K].

    Prior of a cell: the mean of its block plus the card's own effect over all groups, both shrunk; the strengths come
    from moments, so a log where cards differ much is trusted sooner. A plug-in Gaussian, for rewards may be fractional.

    >>> seen = np.array([[100.0], [100.0], [0.0]]); earned = np.array([[60.0], [20.0], [0.0]])
    >>> estimate = posterior(seen, earned, earned, np.ones((3, 1)))
    >>> estimate.mean.round(2).ravel()
    array([0.58, 0.22, 0.4 ])
    >>> estimate.prior_share.round(2).ravel()
    array([0.09, 0.09, 1.  ])
    """
    count = float(exposures.sum())
    overall = float(total.sum()) / count if count > 0.0 else 0.0
    variance = max(float(squares.sum()) / count - overall**2, 1e-6) if count > 0.0 else 0.25
    block_count = card_weights.T @ exposures  # [K, G]
    block_mean = (card_weights.T @ total + BLOCK_STRENGTH * overall) / (block_count + BLOCK_STRENGTH)
    block_prior = card_weights @ block_mean  # [C, G]

    card_count = exposures.sum(axis=1)
    card_excess = (total - exposures * block_prior).sum(axis=1)
    effect = np.divide(card_excess, card_count, out=np.zeros_like(card_count), where=card_count > 0.0)
    card_strength = prior_strength(effect, card_count, variance)
    prior = np.clip(block_prior + (card_excess / (card_count + card_strength))[:, None], 0.0, 1.0)

    own = np.divide(total, exposures, out=prior.copy(), where=exposures > 0.0)
    strength = prior_strength((own - prior).ravel(), exposures.ravel(), variance)
    trust = exposures + strength
    return Posterior(
        mean=(total + strength * prior) / trust,
        variance=variance / trust,
        count=trust,
        prior_share=strength / trust * (card_strength / (card_count + card_strength))[:, None],
        overall=overall,
    )
