"""Ratios over listeners, and differences of them between arms that hold at every look.

The unit is the listener: the exposures of one are not independent. A metric is a ratio of sums over listeners, with the
delta method. A listener's sums grow while she keeps coming, so that her part is correlated over time, more than the
random walk for which the boundary is made. By Slepian's inequality a Gaussian process with the same variances and
larger correlations crosses it less often: the boundary holds, with time measured in listener-days.
"""

from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from processors.arrays import FloatArray
from processors.evaluation.sums.anytime_width import RECORDS_MIN, mixture_width
from processors.evaluation.sums.weight_sums import SHARE_MAX

ALPHA = 0.05


class Ratio(NamedTuple):
    """A ratio of sums over listeners."""

    value: float
    error: float
    listeners: int

    def interval(self, alpha: float = ALPHA) -> tuple[float, float]:
        """Limits for one look."""
        half = float(ndtri(1.0 - alpha / 2.0)) * self.error
        return self.value - half, self.value + half


class Arm(NamedTuple):
    """Terms of the n listeners of one arm: numerator, denominator, and both before the experiment [n, 2]."""

    top: FloatArray
    bottom: FloatArray
    before: FloatArray


class Difference(NamedTuple):
    """A weighted difference of two arms' ratios: treatment less `scale` times control, adjusted.

    `variance_left` is the share of its variance that the adjustment leaves. The limits hold at any time.
    """

    control: float
    treatment: float
    value: float
    error: float
    low: float
    high: float
    variance_left: float


def ratio_of(top: FloatArray, bottom: FloatArray) -> Ratio | None:
    """The ratio of sums, with its standard error over listeners; None if there is nothing to divide by.

    >>> ratio = ratio_of(np.array([1.0, 0.0, 1.0, 0.0]), np.ones(4)); ratio.value, round(ratio.error, 4)
    (0.5, 0.2887)
    """
    total, count = float(bottom.sum()), len(bottom)
    if total <= 0.0:
        return None
    value = float(top.sum()) / total
    error = sqrt(float(((top - value * bottom) ** 2).sum()) * count / max(count - 1, 1)) / total
    return Ratio(value, error if count > 1 else inf, count)


def difference_of(
    control: Arm, treatment: Arm, *, clock: int, alpha: float = ALPHA, scale: float = 1.0
) -> Difference | None:
    """Treatment less `scale` times control; None if one of them has nothing to divide by.

    Listeners are adjusted by what they did before (CUPED; Deng, Xu, Kohavi, Walker, WSDM 2013), numerator and
    denominator as two covariates, with one regression for both arms. `clock` counts listener-days, of both arms.

    >>> def arm(rate): return Arm(np.repeat([1.0, 0.0], [rate, 1000 - rate]), np.ones(1000), np.zeros((1000, 2)))
    >>> found = difference_of(arm(300), arm(400), clock=2_000)
    >>> round(found.value, 6), found.low > 0.0, found.variance_left
    (0.1, True, 1.0)
    """
    arms = control, treatment
    ratios = [ratio_of(arm.top, arm.bottom) for arm in arms]
    if ratios[0] is None or ratios[1] is None:
        return None
    own, other = ratios[1], ratios[0]
    # each listener's part in her arm's ratio: the arm's mean of these is zero
    parts = [
        (arm.top - ratio.value * arm.bottom) / arm.bottom.mean() for arm, ratio in zip(arms, (other, own), strict=True)
    ]
    slope, centre = _regression(arms, parts)
    left = [part - (arm.before - centre) @ slope for arm, part in zip(arms, parts, strict=True)]
    values = [ratio.value + float(part.mean()) for ratio, part in zip((other, own), left, strict=True)]
    raw, error = (_error(parts, scale), _error(left, scale))
    value = values[1] - scale * values[0]
    is_steady = min(map(len, left)) >= RECORDS_MIN and _largest_share(left, scale) <= SHARE_MAX
    half = float(mixture_width(max(clock, 1), alpha)) * error if is_steady else inf
    return Difference(
        control=values[0],
        treatment=values[1],
        value=value,
        error=error,
        low=value - half,
        high=value + half,
        variance_left=min(1.0, (error / raw) ** 2) if raw > 0.0 else 1.0,
    )


def _regression(arms: tuple[Arm, Arm], parts: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Slopes [2] of listeners' parts on what they did before, within arms, and the overall mean [2] of the latter."""
    before = np.concatenate([arm.before for arm in arms])
    centred = np.concatenate([arm.before - arm.before.mean(axis=0) for arm in arms])
    if not centred.any():
        return np.zeros(2), np.zeros(2)
    scale = np.sqrt((centred**2).mean(axis=0))
    scale[scale == 0.0] = 1.0
    slope, *_ = np.linalg.lstsq(centred / scale, np.concatenate(parts), rcond=1e-8)
    return slope / scale, before.mean(axis=0)


def _error(parts: list[FloatArray], scale: float) -> float:
    variances = [float(part.var(ddof=1)) / len(part) if len(part) > 1 else inf for part in parts]
    return sqrt(variances[1] + scale**2 * variances[0])


def _largest_share(parts: list[FloatArray], scale: float) -> float:
    """Largest share of one listener in the variance of the difference."""
    squares = [
        ((part - part.mean()) * weight / len(part)) ** 2 for part, weight in zip(parts, (scale, 1.0), strict=True)
    ]
    total = sum(float(one.sum()) for one in squares)
    return max(float(one.max(initial=0.0)) for one in squares) / total if total > 0.0 else 1.0
