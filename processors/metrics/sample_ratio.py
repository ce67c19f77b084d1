"""Whether listeners are split as the shares say, by a sequential test that may be read at every look.

Lindon and Malek (NeurIPS 2022, "Anytime-valid inference for multinomial count data"): the Bayes factor of a Dirichlet
prior around the expected shares against the shares themselves is a martingale while the shares hold, so by Ville's
inequality it ever exceeds 1 / alpha with probability alpha at most. Factors of phases with other shares multiply.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln, logsumexp

from processors.arrays import FloatArray

CONCENTRATIONS = (100.0, 1_000.0, 10_000.0)
"""Totals of the priors' parameters, each with the same weight: they expect deviations of about .05, .016 and .005 in a
share of a half. A mean of martingales is a martingale, so a small sample can show a gross fault, and a large one a
slight fault."""


def split_evidence(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Log of the Bayes factor against these shares, of numbers of listeners in one phase.

    >>> split_evidence([5_000, 5_000], [0.5, 0.5]) < 0.0 < split_evidence([5_500, 4_500], [0.5, 0.5])
    True
    """
    seen, expected = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    known = expected > 0.0
    if seen[~known].any():
        return float("inf")
    seen, expected = seen[known], expected[known] / expected[known].sum()
    factors = [_marginal(seen, total * expected) for total in CONCENTRATIONS]
    return float(logsumexp(factors) - np.log(len(factors)) - (seen * np.log(expected)).sum())


def _marginal(seen: FloatArray, prior: FloatArray) -> float:
    """Log of the probability of these numbers, in one order, under a Dirichlet prior."""
    total = gammaln(prior.sum()) - gammaln(prior.sum() + seen.sum())
    return float(total + (gammaln(prior + seen) - gammaln(prior)).sum())


def split_p(evidence: float) -> float:
    """The p-value of one look at this evidence; the smallest of all looks is valid at any time.

    >>> split_p(-1.0), round(split_p(3.0), 3)
    (1.0, 0.05)
    """
    return float(min(1.0, np.exp(-evidence)))
