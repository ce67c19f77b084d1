"""E-detector: weighs, for each bucket in which a change may have begun, the evidence of all buckets since.

Let D be the mean since bucket j less the mean before it, in units of the standard deviation of one stream, and c its
variance. Without a change D is N(0, c); after one of size N(0, s^2), it is N(0, c + s^2). The ratio of both densities,
with the mean unknown and the variance estimated (an inverse gamma prior of so many buckets, as in a Bayesian t-test),
is an e-value: its expectation is one without a change, whenever it is read.

The sum of such e-values over all beginnings j, each weighted by a budget, is an e-detector of the Shiryaev-Roberts type
(Shin, Ramdas, Rinaldo, *E-detectors*, New England J. Stat. Data Sci. 2, 2024). The sum less the budgets so far is a
supermartingale, and an alarm at one, with a new start, takes one from it: so there are no more false alarms than the
budgets add up to, in expectation. No threshold is calibrated. Beginnings that are left out only lower the sum.
"""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray
from processors.drift.usual import VARIANCE_MIN, Usual

SPREADS = (0.1, 0.3, 1.0)
"""Standard deviations of the sizes that are expected, in those of one stream; each is a third of the mixture."""


class Prior(NamedTuple):
    """What is known before the first bucket: that the mean is zero, and how reliable the variance within buckets is.

    `membership` is the relative standard error of a size because groups are uncertain.
    """

    streams: float
    buckets: float
    membership: float = 0.0


class Read(NamedTuple):
    """Newest buckets [n] in order: worths, mean residuals as clipped, and the budget of a change that begins there."""

    worth: FloatArray
    mean: FloatArray
    budget: FloatArray


class Evidence(NamedTuple):
    """Evidence for a change by the bucket of its beginning and the spread of sizes [n, s], budgets included."""

    by_beginning: FloatArray

    @property
    def total(self) -> float:
        """One or more is an alarm."""
        return float(self.by_beginning.sum())


def evidence(older: Usual, read: Read, prior: Prior, within: float, tolerance: float, before_min: int) -> Evidence:
    """Evidence for a change that began in one of the buckets read, after `older` ones (clipped as well).

    `within` is the variance of one stream within buckets; a change has at least `before_min` buckets before it.
    Differences are reduced by `tolerance`.

    >>> usual, flat = Usual(), np.full(8, 25.0)
    >>> calm = Read(flat, np.array([0.1, -0.1, 0.0, 0.1, 0.0, -0.1, 0.0, 0.1]), np.full(8, 1e-4))
    >>> risen = calm._replace(mean=np.array([0.1, -0.1, 0.0, 0.1, 0.0, 0.9, 1.1, 1.0]))
    >>> [evidence(usual, each, Prior(20.0, 10.0), 1.0, 0.0, 3).total > 1.0 for each in (calm, risen)]
    [False, True]
    >>> int(evidence(usual, risen, Prior(20.0, 10.0), 1.0, 0.0, 3).by_beginning.sum(axis=1).argmax())
    5
    """
    worth, totals, squares = read.worth, read.worth * read.mean, read.worth * read.mean**2
    after, total_after = (np.cumsum(column[::-1])[::-1] for column in (worth, totals))
    every, total = older.worth + prior.streams + worth.sum(), older.worth_residual + totals.sum()
    before = every - after
    is_possible = (older.buckets + np.arange(len(worth)) >= before_min) & (before > 0.0)
    before = np.where(is_possible, before, 1.0)
    difference = np.abs(total_after / after - (total - total_after) / before)
    difference = np.maximum(difference - tolerance, 0.0)[:, None]
    apart = max(older.worth_residual_squares + float(squares.sum()) - float(total) ** 2 / float(every), 0.0)
    scatter = prior.buckets * max(within, VARIANCE_MIN) + apart
    variance = (1.0 / after + 1.0 / before)[:, None]
    spread = np.array(SPREADS) ** 2
    shrinkage = spread / (variance + spread)
    explained = np.minimum(difference**2 / variance * shrinkage / max(scatter, VARIANCE_MIN), 1.0 - 1e-12)
    degrees = prior.buckets + older.buckets + len(worth) - (prior.streams == 0.0)
    logs = 0.5 * (np.log1p(-shrinkage) - degrees * np.log1p(-explained))
    found = np.exp(np.minimum(logs, 600.0)) * (read.budget * is_possible)[:, None] / len(SPREADS)
    return Evidence(found)
