"""Uncertainty of scores, for policies that use it."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.bandit.posterior import Posterior
from processors.ranking.scores import expected


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubt:
    """Uncertainty of each card for each listener, over the listener's soft group."""

    variance: FloatArray  # [n, C], of the score
    count: FloatArray  # [n, C], exposures behind the score, including those of the prior

    def of_listeners(self, chosen: IntArray) -> "Doubt":
        """The uncertainty for these listeners."""
        return Doubt(variance=self.variance[chosen], count=self.count[chosen])


def doubt_of(estimate: Posterior, weights: FloatArray) -> Doubt:
    """Uncertainty of the posterior's means for listeners in these soft groups [n, G].

    The score is a weighted sum over groups. What is independent between groups counts by squared weights; the error of
    the card's own effect, which all groups share, by the square of the sum.
    """
    shared = expected(weights, np.sqrt(estimate.effect_variance))
    return Doubt(variance=expected(weights**2, estimate.variance) + shared**2, count=expected(weights, estimate.count))
