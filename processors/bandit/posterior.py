"""What a card is expected to earn with a user group: its own record, shrunk to its co-cluster and to its quality."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.bandit.shrinkage import prior_strength

BLOCK_STRENGTH = 20.0
"""Pseudo-observations that hold a block's mean to the mean of all."""
SPREAD_MIN = 0.01
"""No cell is so sure of nothing, or of everything, that its exposures vary by less than this share of the usual."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """Expected reward of every card with every user group, and how sure that is."""

    mean: FloatArray  # [C, G]
    variance: FloatArray  # [C, G], of the mean, were the card's own effect known: independent from group to group
    effect_variance: FloatArray  # [C, G], of what the card's own effect puts into the mean: common to its groups
    count: FloatArray  # [C, G], exposures that the mean is worth, the prior's included
    prior_share: FloatArray  # [C, G], from 0 (all from the card's own record) to 1 (none of it)
    overall: float  # mean reward of all exposures


def posterior(exposures: FloatArray, total: FloatArray, squares: FloatArray, card_weights: FloatArray) -> Posterior:
    """Posterior from soft exposures, sums and squares of a reward [C, G] and soft card groups [C, K].

    Prior of a cell: the mean of its block plus the card's own effect, told from its other groups, for what happened in
    the cell counts by itself; both shrunk. The strengths come from moments, so a log where cards differ much is trusted
    sooner. A plug-in Gaussian, for rewards may be fractional: the variance of an exposure is that share of the largest
    possible, m (1 - m), which it is in the whole log (quasi-likelihood: McCullagh & Nelder 1989, section 9.2). With one
    group, what is a card's own is the cell's.

    >>> seen = np.array([[100.0, 100.0], [100.0, 100.0], [0.0, 0.0]])
    >>> earned = np.array([[60.0, 60.0], [20.0, 20.0], [0.0, 0.0]])
    >>> estimate = posterior(seen, earned, earned, np.ones((3, 1)))
    >>> estimate.mean.round(2).tolist()
    [[0.58, 0.58], [0.22, 0.22], [0.4, 0.4]]
    >>> estimate.prior_share.round(2).tolist()
    [[0.09, 0.09], [0.09, 0.09], [1.0, 1.0]]
    """
    count = float(exposures.sum())
    overall = float(total.sum()) / count if count > 0.0 else 0.0
    variance = max(float(squares.sum()) / count - overall**2, 1e-6) if count > 0.0 else 0.25
    block_count = card_weights.T @ exposures  # [K, G]
    block_mean = (card_weights.T @ total + BLOCK_STRENGTH * overall) / (block_count + BLOCK_STRENGTH)
    block_prior = card_weights @ block_mean  # [C, G]

    excess = total - exposures * block_prior
    card_count, card_excess = exposures.sum(axis=1), excess.sum(axis=1)
    effect = np.divide(card_excess, card_count, out=np.zeros_like(card_count), where=card_count > 0.0)
    card_strength = prior_strength(effect, card_count, variance)
    effect_count = np.maximum(card_count[:, None] - exposures, 0.0) + card_strength  # of the other groups
    prior = np.clip(block_prior + (card_excess[:, None] - excess) / effect_count, 0.0, 1.0)

    own = np.divide(total, exposures, out=prior.copy(), where=exposures > 0.0)
    strength = prior_strength((own - prior).ravel(), exposures.ravel(), variance)
    trust = exposures + strength
    mean = (total + strength * prior) / trust
    share = strength / trust
    one = variance * _relative_spread(mean, overall)
    return Posterior(
        mean=mean,
        variance=one / trust,
        effect_variance=share**2 * one / effect_count if exposures.shape[1] > 1 else np.zeros_like(one),
        count=trust,
        prior_share=share * card_strength / effect_count,
        overall=overall,
    )


def _relative_spread(mean: FloatArray, overall: float) -> FloatArray:
    """Variance [C, G] of one exposure with these means, in units of that of all exposures together."""
    of_all = overall * (1.0 - overall)
    if of_all <= 0.0:
        return np.ones_like(mean)
    inside = np.clip(mean, 0.0, 1.0)
    return np.asarray(np.maximum(inside * (1.0 - inside) / of_all, SPREAD_MIN))
