"""How sure scores are, for policies that ask."""

from dataclasses import dataclass

import numpy as np

from processors.bandit.posterior import Posterior
from processors.cocluster.arrays import FloatArray
from processors.ranking.scores import expected


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubt:
    """Of every card for every listener, over the listener's soft group."""

    variance: FloatArray  # [n, C], of the score
    count: FloatArray  # [n, C], exposures that the score is worth, the prior's included


def doubt_of(estimate: Posterior, weights: FloatArray) -> Doubt:
    """Doubt of the posterior's means for listeners in these soft groups [n, G].

    The score is a weighted sum over groups. What is independent from group to group counts by squared weights, the
    card's own effect, an error that all groups share, by the square of the sum.
    """
    shared = expected(weights, np.sqrt(estimate.effect_variance))
    return Doubt(variance=expected(weights**2, estimate.variance) + shared**2, count=expected(weights, estimate.count))
