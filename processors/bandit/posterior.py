"""Expected reward of a card in a user group: its own record, shrunk to its co-cluster and to its quality."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.bandit.shrinkage import prior_strength

BLOCK_STRENGTH = 20.0
"""Pseudo-observations that shrink a block's mean to the overall mean."""
SPREAD_MIN = 0.01
"""Lower bound of the variance of an exposure relative to the overall one, for means near 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """Expected reward of every card in every user group, with its uncertainty."""

    mean: FloatArray  # [C, G]
    variance: FloatArray  # [C, G], of the mean given the card's own effect: independent between groups
    effect_variance: FloatArray  # [C, G], contributed by the card's own effect: shared by its groups
    count: FloatArray  # [C, G], equivalent number of exposures, including the prior
    prior_share: FloatArray  # [C, G], from 0 (card's own record only) to 1 (prior only)
    overall: float  # mean reward of all exposures


def posterior(exposures: FloatArray, total: FloatArray, squares: FloatArray, card_weights: FloatArray) -> Posterior:
    """Posterior from soft exposures, sums and squares of a reward [C, G] and soft card groups [C, K].

    The prior of a cell is the mean of the block's other cards plus the card's own effect, estimated from its other
    groups, since the cell's own record is counted separately; both are shrunk. Shrinkage is estimated by moments, so
    that cards are shrunk less if they differ more. Rewards may be fractional, so this is a plug-in Gaussian: the
    variance of an exposure is the same share of its maximum, m (1 - m), as in the whole log (quasi-likelihood:
    McCullagh & Nelder 1989, section 9.2). With one group, the card's own effect is that of the cell.

    >>> seen = np.array([[100.0, 100.0], [100.0, 100.0], [0.0, 0.0]])
    >>> earned = np.array([[60.0, 60.0], [20.0, 20.0], [0.0, 0.0]])
    >>> estimate = posterior(seen, earned, earned, np.ones((3, 1)))
    >>> estimate.mean.round(2).tolist()
    [[0.57, 0.57], [0.23, 0.23], [0.4, 0.4]]
    >>> estimate.prior_share.round(2).tolist()
    [[0.09, 0.09], [0.09, 0.09], [1.0, 1.0]]
    """
    count = float(exposures.sum())
    overall = float(total.sum()) / count if count > 0.0 else 0.0
    variance = max(float(squares.sum()) / count - overall**2, 1e-6) if count > 0.0 else 0.25
    block_prior = _of_other_cards(exposures, total, card_weights, overall)

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


def _of_other_cards(exposures: FloatArray, total: FloatArray, card_weights: FloatArray, overall: float) -> FloatArray:
    """Mean of a card's blocks [C, G] over all other cards, shrunk to the overall mean.

    A card's own record in the mean that it is compared with would hide how much cards differ.
    """
    prior = np.zeros_like(exposures)
    for weight in card_weights.T[:, :, None]:  # group by group: all at once takes memory of cards x blocks
        own_count, own_total = weight * exposures, weight * total
        count, earned = own_count.sum(axis=0) - own_count, own_total.sum(axis=0) - own_total
        prior += weight * (earned + BLOCK_STRENGTH * overall) / (count + BLOCK_STRENGTH)
    return prior


def _relative_spread(mean: FloatArray, overall: float) -> FloatArray:
    """Variance [C, G] of one exposure with these means, relative to that of all exposures together."""
    of_all = overall * (1.0 - overall)
    if of_all <= 0.0:
        return np.ones_like(mean)
    inside = np.clip(mean, 0.0, 1.0)
    return np.asarray(np.maximum(inside * (1.0 - inside) / of_all, SPREAD_MIN))
