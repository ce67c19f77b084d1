"""The rule that shows or withholds a counterfactual value, with the reason and a remedy."""

from dataclasses import dataclass
from math import isfinite

from processors.evaluation.sums.weight_sums import WeightSums

ESS_MIN = 100.0
"""With this effective sample the mean weight errs by at most a tenth, and no record has more than a tenth of all
weight.
"""
EARNED_MIN = 10.0
"""With fewer rewarded records (effective sample) the usual interval extends below zero, and misses more often."""
ERRORS_MAX = 2.0
"""A mean that is more than this many standard errors from its required value is not so by chance."""
HARMLESS = 0.05
"""Excess or deficit of weight that is tolerated, if it moves the value by less than half its half-width."""

ROUNDING = 1e-9
"""Floating-point tolerance for a mean weight of one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Shown, or withheld with a reason.

    >>> Verdict("").is_shown, Verdict("the log is empty").is_shown
    (True, False)
    """

    reason: str

    @property
    def is_shown(self) -> bool:
        """Whether the value may be acted on."""
        return not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """The mean of the part that an estimator neglects, with its standard error."""

    what: str
    mean: float
    error: float
    instead: str  # remedy if it is not zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The basis of a verdict."""

    weights: WeightSums  # of the log
    used: WeightSums  # as used by the estimator
    earned: WeightSums  # those times rewards: the number of records on which the value rests
    remainder: Remainder | None = None


def judge(value: float, half_width: float, seen: Evidence) -> Verdict:
    """Judge a value by the log's weights, by those that the estimator uses, and by what it neglects.

    >>> import numpy as np
    >>> weights = WeightSums(); weights.add(np.full(5_000, 0.017))
    >>> judge(0.3, 0.01, Evidence(weights=weights, used=weights, earned=weights)).reason
    'mean weight 0.0170 ± 0.0000, not 1: the log hardly shows what the target would; log with more exploration'
    """
    return Verdict(
        _too_little(seen.used)
        or _off(value, half_width, seen.weights, "mean weight", NOT_COVERED)
        or _off(value, half_width, seen.used, "mean weight as used", CUT_AWAY)
        or _too_few_decide(seen.earned)
        or _left_out(half_width, seen.remainder)
        or _no_width(value, half_width)
    )


NOT_COVERED = "the log hardly shows what the target would; log with more exploration"
CUT_AWAY = "the cap removes too much weight; raise it, or use snips"


def _too_little(used: WeightSums) -> str:
    if not used.count:
        return "the log is empty: add records"
    if used.ess < ESS_MIN:
        return (
            f"effective sample {used.ess:.1f} of {used.count} is below {ESS_MIN:.0f}: log more, or use a closer target"
        )
    return ""


def _off(value: float, half_width: float, weights: WeightSums, what: str, why: str) -> str:
    apart = abs(weights.mean - 1.0)
    is_chance = apart <= max(ERRORS_MAX * weights.mean_error, ROUNDING)
    is_harmless = apart <= HARMLESS and apart * abs(value) <= half_width / 2.0
    if is_chance or is_harmless:
        return ""
    return f"{what} {weights.mean:.4f} ± {weights.mean_error:.4f}, not 1: {why}"


def _no_width(value: float, half_width: float) -> str:
    if not isfinite(half_width):
        return "the value has no interval: log more"
    if half_width <= ROUNDING * abs(value):
        return "all records are alike, so there is no estimate of the error: log more"
    return ""


def _too_few_decide(earned: WeightSums) -> str:
    if not earned.squares:
        return "no rewards under these weights: log more"
    if earned.ess >= EARNED_MIN:
        return ""
    return f"the value rests on {earned.ess:.1f} rewarded records, below {EARNED_MIN:.0f}: log more"


def _left_out(half_width: float, remainder: Remainder | None) -> str:
    if remainder is None:
        return ""
    apart = abs(remainder.mean)
    if apart <= ERRORS_MAX * remainder.error or apart <= half_width / 2.0:
        return ""
    return f"{remainder.what} is {remainder.mean:+.4g} ± {remainder.error:.2g}, not 0: {remainder.instead}"
