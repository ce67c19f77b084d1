"""Size of a change in the newest buckets of a block, with an interval, averaged over when it may have begun.

A window that spans the change underestimates it, and a single best beginning overstates how well it is known. So each
possible beginning counts by its evidence, and so does each spread of sizes, which shrinks what was found: a size that
is read when an alarm is raised is otherwise too large, because large errors raise alarms sooner.

A stream counts in a block by its share, so a change of the block by d moves the stream's residual by share x d, if
shares are correct and the other blocks do not change. The mean residual moves by less than d; the sum of residuals over
the sum of squared shares (least squares through the origin) moves by d. Shares are right on average only: which
listeners and cards really belong to the block is uncertain, and the size as well, in proportion to it.
"""

from math import hypot, sqrt

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray
from processors.drift.e_detector import SPREADS, Evidence, Prior
from processors.drift.usual import PRIOR_STREAMS, Usual

Z_95 = 1.959964
RARE = 1e-3
"""Beginnings with a smaller share of the evidence are left out."""


class Size(Struct, frozen=True):
    """A change of mean x = log1p(seconds) since about `change_ms`, with a 95% interval."""

    change_ms: int
    size: float
    low: float
    high: float
    departure: float  # standard errors between the two sides
    before: float  # mean of x of the block's streams before the change


class Between(Struct, frozen=True):
    """Size of the change between two sides, its standard error, and the sizes that are expected (one per spread)."""

    size: float
    error: float
    spreads: tuple[float, ...]

    def shrunk(self) -> tuple[float, float]:
        """Mean and standard deviation of the size, given how large sizes are expected to be.

        >>> mean, deviation = Between(-1.0, 0.5, (0.1, 0.3, 1.0)).shrunk(); round(mean, 2), round(deviation, 2)
        (-0.46, 0.47)
        """
        variances = np.array(self.spreads) ** 2 + self.error**2
        logs = -0.5 * (np.log(variances) + self.size**2 / variances)
        weights = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
        kept = 1.0 - self.error**2 / variances
        mean = float(weights @ kept) * self.size
        spread = float(weights @ (kept * self.error**2 + (kept * self.size - mean) ** 2))
        return mean, sqrt(spread)


def between(before: Usual, since: Usual, prior_streams: float = PRIOR_STREAMS) -> Between:
    """Least-squares size of the change between two sides, in units of the block.

    >>> before = Usual().plus(np.array(9 * [[0.0, 20.0, 20.0, 120.0, 2.0, 25.0]]))
    >>> since = Usual().plus(np.array([[9.0, 20.0, 10.0, 80.0, -18.0, 25.0]])); round(between(before, since).size, 1)
    -2.0
    """
    variance = max(before.variance(), since.variance_within())
    excess = since.residual_total - before.mean_residual(prior_streams) * since.streams
    error = sqrt(variance * (since.squares + since.streams**2 * before.mean_error(prior_streams)))
    unit = sqrt(variance) * since.streams / since.squares  # of one stream's mean residual, in units of the block
    return Between(excess / since.squares, error / since.squares, tuple(unit * spread for spread in SPREADS))


def refined(size: Size, before: Usual, since: Usual, prior: Prior) -> Size:
    """The same change, from all buckets since its beginning."""
    sides = between(before, since, prior.streams)
    mean, deviation = sides.shrunk()
    reach = Z_95 * hypot(deviation, prior.membership * mean)
    low, high = mean - reach, mean + reach
    return Size(size.change_ms, mean, low, high, sides.size / sides.error, size.before)


def estimated(older: Usual, newest: FloatArray, found: Evidence, prior: Prior) -> tuple[Size, Usual, Usual]:
    """The size of a change among the `newest` buckets [n, 6], and sums on both sides of its likeliest beginning."""
    shares = found.by_beginning.sum(axis=1) / found.by_beginning.sum()
    first = int(shares.argmax())
    chosen = [start for start in range(len(shares)) if shares[start] >= RARE or start == first]
    parted = {start: (older.plus(newest[:start]), Usual().plus(newest[start:])) for start in chosen}
    sides = [between(*parted[start], prior.streams) for start in chosen]
    sizes, deviations = np.array([side.shrunk() for side in sides]).T
    weights = shares[chosen] / shares[chosen].sum()
    mean = float(weights @ sizes)
    deviation = sqrt(float(weights @ (deviations**2 + (sizes - mean) ** 2)))
    reach = Z_95 * hypot(deviation, prior.membership * mean)
    likeliest, (before, since) = sides[chosen.index(first)], parted[first]
    size = Size(
        change_ms=int(newest[first, 0]),
        size=mean,
        low=mean - reach,
        high=mean + reach,
        departure=likeliest.size / likeliest.error,
        before=before.log_total / before.streams,
    )
    return size, before, since
