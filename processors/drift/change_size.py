"""Change point and size of a change in the newest buckets of a block, with a confidence interval.

A window that spans the change underestimates it. Each of the newest buckets is therefore tried as the first one after
the change, and the one that separates both sides by most standard errors is chosen (the likelihood-ratio estimate of a
change point: Hinkley, *Biometrika* 57, 1970).

A stream counts in a block by its share, so a change of the block by d moves the stream's residual by share x d, if
shares are correct and the other blocks do not change. The mean residual moves by less than d; the sum of residuals over
the sum of squared shares (least squares through the origin) moves by d.
"""

from collections.abc import Sequence
from math import sqrt

from msgspec import Struct

from processors.drift.usual import BlockBucket, Usual

Z_95 = 1.959964


class Size(Struct, frozen=True):
    """A change of mean x = log1p(seconds), estimated from the buckets since `change_ms`, with a 95% interval."""

    change_ms: int
    size: float
    low: float
    high: float
    departure: float  # standard errors between the two sides
    before: float  # mean of x of the block's streams before the change


def estimated(usual: Usual, newest: Sequence[BlockBucket]) -> Size | None:
    """The likeliest change among the `newest` buckets, some of which are in `usual`; None if nothing precedes them.

    >>> buckets = [BlockBucket(at, 20.0, 20.0, 120.0, 20.0 * (-2.0 if at > 7 else 0.1), 25.0) for at in range(10)]
    >>> usual = Usual()
    >>> for bucket in buckets:
    ...     usual.add(bucket)
    >>> found = estimated(usual, buckets[4:]); found.change_ms, round(found.size, 1), found.low < -2.0 < found.high
    (8, -2.1, True)
    """
    best: Size | None = None
    for first in range(len(newest)):
        after = newest[first:]
        before = usual.without(after)
        if before.buckets < 1 or before.streams <= 0.0:
            continue
        found = _between(before, after)
        if best is None or abs(found.departure) > abs(best.departure):
            best = found
    return best


def _between(before: Usual, after: Sequence[BlockBucket]) -> Size:
    since = Usual()
    for bucket in after:
        since.add(bucket)
    variance = max(before.variance(), since.variance_within())
    expected = before.mean_residual()
    excess = since.residual_total - expected * since.streams
    error = sqrt(variance * (since.squares + since.streams**2 * before.mean_error()))
    size, of_size = excess / since.squares, error / since.squares
    return Size(
        change_ms=after[0].bucket_ms,
        size=size,
        low=size - Z_95 * of_size,
        high=size + Z_95 * of_size,
        departure=excess / error,
        before=before.log_total / before.streams,
    )
