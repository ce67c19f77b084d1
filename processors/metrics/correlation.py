"""How each metric goes with each KPI, over arms and days: rank correlations with intervals.

Two questions are kept apart. *Between arms*: do arms (variants and user groups) with a higher metric have a higher KPI?
An arm counts once, by its mean over days, since its listeners are the same ones. *Within arms*: on days on which the
metric of an arm is above its own mean, is its KPI too? Neither is an effect: an alarm needs a randomised comparison
(`alarms`).
"""

from collections.abc import Iterable, Iterator, Sequence
from math import atanh, sqrt, tanh
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from processors.arrays import FloatArray
from processors.metrics.metrics_settings import KPIS
from schemas.metric_windows import MetricWindow

POINTS_MIN = 5


class Correlation(NamedTuple):
    """A rank correlation over n points, with its interval."""

    rho: float
    low: float
    high: float
    points: int


class Row(NamedTuple):
    """A metric and a KPI of a surface; none where there are too few points, or one of them does not vary."""

    surface: str
    metric: str
    kpi: str
    is_optimised: bool
    between: Correlation | None
    within: Correlation | None


def spearman(x: FloatArray, y: FloatArray, alpha: float = 0.05, lost: int = 0) -> Correlation | None:
    """Spearman's rho, with an interval by Fisher's z and the variance 1.06 / (n - 3) of Fieller, Hartley and Pearson.

    `lost` is the number of means that were taken out of the points before, which count no more.

    >>> found = spearman(np.arange(20.0), np.arange(20.0) ** 3); found.rho, round(found.low, 2), found.points
    (1.0, 1.0, 20)
    >>> spearman(np.arange(4.0), np.arange(4.0)) is None
    True
    """
    points = len(x) - lost
    if points < POINTS_MIN or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return None
    rho = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])
    if abs(rho) > 1.0 - 1e-12:
        rho = float(round(rho))
        return Correlation(rho, rho, rho, points)
    half = float(ndtri(1.0 - alpha / 2.0)) * sqrt(1.06 / (points - 3))
    return Correlation(rho, tanh(atanh(rho) - half), tanh(atanh(rho) + half), points)


def correlations(windows: Iterable[MetricWindow]) -> Iterator[Row]:
    """A row for each surface, metric and KPI, from settled days of clients' variants by user group."""
    days: dict[str, dict[tuple[str, int, int], list[dict[str, float]]]] = {}
    success: dict[str, str] = {}
    for one in windows:
        if one.kind == "day" and one.is_settled and not one.experiment and one.variant != "all" and one.user_group >= 0:
            values = {value.metric: value.value for value in one.metrics if value.value is not None}
            arm = (one.variant, one.generation, one.user_group)
            days.setdefault(one.surface, {}).setdefault(arm, []).append(values)
            success[one.surface] = one.success
    for surface, arms in sorted(days.items()):
        for metric in dict.fromkeys(name for own in arms.values() for day in own for name in day):
            for kpi in KPIS:
                if metric != kpi:
                    both = [
                        [(day[metric], day[kpi]) for day in own if metric in day and kpi in day]
                        for own in arms.values()
                    ]
                    pairs = [np.array(own) for own in both if own]
                    between, within = _between(pairs), _within(pairs)
                    yield Row(surface, metric, kpi, metric == success[surface], between, within)


def _between(arms: Sequence[FloatArray]) -> Correlation | None:
    if not arms:
        return None
    means = np.stack([own.mean(axis=0) for own in arms])
    return spearman(means[:, 0], means[:, 1])


def _within(arms: Sequence[FloatArray]) -> Correlation | None:
    if not arms:
        return None
    apart = np.concatenate([own - own.mean(axis=0) for own in arms])
    return spearman(apart[:, 0], apart[:, 1], lost=len(arms))
